//! Opens an ONNX file: maps it, walks it, decodes it, and checks what every later step relies on.
//!
//! Weights stay where they are, if numbers can be read there (else they are moved once): `raw_data` of the decoded tensors
//! are slices of the mapped file, which stays mapped as long as one of them lives. A file that another program shortens in place while it is mapped ends this process with a
//! bus error, as in every program that maps files; [`super::save()`] therefore replaces files and never writes into them.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use prost::Message as _;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::visit::visit_tensors_mut;
use super::{
    external,
    proto::{DataType, IR_VERSION, ModelProto, TensorProto},
    schema::Kind,
    shared::SharedFloats,
    sniff,
    wire::{self, Damage, Walk},
};
use crate::{
    buffer::Pool,
    error::{Error, Result},
    job::Warning,
    say,
    text::Text,
};

/// Memory that decoded messages may take, without text and weights: this much for any file …
const BASE_ALLOWANCE: u64 = 256 << 20;
/// … and this many times the file's size, counted up to [`GROWTH_CAP`]. The development models take 3 to 22 times the
/// size of what is not weights in them; a file of empty tensors would take 172 times its own.
const GROWTH_ALLOWANCE: u64 = 32;
/// Largest size that [`GROWTH_ALLOWANCE`] is counted for: a large file is large by its weights, which do not grow.
const GROWTH_CAP: u64 = 128 << 20;

/// An ONNX file as it was found.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The model. External tensors have their values in `raw_data`.
    pub model: ModelProto,
    /// The file, as it was asked for.
    pub path: PathBuf,
    /// SHA-256 of the file in lower-case hex; data files beside it are not part of it.
    pub sha256: String,
    /// Size of the file in bytes, without data files.
    pub bytes: u64,
    /// Soft problems, in a fixed order: `unknown-field`, `newer-ir-version`, `external-checksum`.
    pub warnings: Vec<Warning>,
}

/// Opens the ONNX model at `path` and the data files it names.
///
/// # Errors
/// [`Error::Io`] when the system refuses to read a file; [`Error::Format`] when the file is no ONNX model, is damaged,
/// or is one that onnxruntime cannot run for its age; [`Error::Model`] when external data are missing or not allowed.
pub fn load(path: &Path) -> Result<Loaded> {
    let mut loaded = load_bytes(path, map_file(path)?)?;
    let beside = external::read_beside(path, &mut loaded.model)?;
    loaded.warnings.extend(beside);
    align(&mut loaded.model);
    Ok(loaded)
}

/// Opens a model that is in memory; `path` stands for it in messages. External data are not read: there is no folder.
///
/// # Errors
/// As [`load`].
pub fn load_bytes(path: &Path, file: Bytes) -> Result<Loaded> {
    let decode = || {
        let (mut model, warnings) = decode(path, &file)?;
        align(&mut model);
        Ok((model, warnings))
    };
    let (sha256, decoded) = rayon::join(|| hex_sha256(&file), decode);
    let (model, mut warnings): (ModelProto, Vec<Warning>) = decoded?;
    check(path, &model)?;
    if let Some(version) = model.ir_version.filter(|version| *version > IR_VERSION) {
        let message = say!(
            "the model has IR version {}, newer than the {} this program knows; parts of it may be lost",
            version,
            IR_VERSION
        );
        warnings.push(Warning::new("newer-ir-version", message));
    }
    Ok(Loaded { model, path: path.to_owned(), sha256, bytes: file.len() as u64, warnings })
}

/// `model` with no tensor marked as external, for onnxruntime, which would look for the files of a model in memory. The
/// values are shared, not copied: [`load`] has put them into `raw_data`.
pub fn with_inline_data(model: &ModelProto) -> ModelProto {
    let mut model = model.clone();
    let _: Result<(), std::convert::Infallible> = visit_tensors_mut(&mut model, &mut |_, tensor| {
        if tensor.raw_data.is_some() {
            tensor.external_data = Vec::new();
            tensor.data_location = None;
        }
        Ok(())
    });
    model
}

/// Moves the float32 constants that do not lie at the start of a cache line, so that everybody can read them in place. A
/// file puts them anywhere: most are moved, once, in the place of a copy for each session that reads them.
fn align(model: &mut ModelProto) {
    let is_float = |tensor: &&mut TensorProto| tensor.data_type == Some(DataType::Float as i32);
    let constants = model.graph.iter_mut().flat_map(|graph| &mut graph.initializer).filter(is_float);
    let pool = Pool::default();
    constants.collect::<Vec<_>>().into_par_iter().for_each(|tensor| {
        // Values that do not make whole numbers stay as they are; whoever reads them says so.
        if let Some(values) = tensor.raw_data.as_ref().and_then(|raw| SharedFloats::at_line(raw, &pool)) {
            tensor.raw_data = Some(values.raw());
        }
    });
}

/// Maps `path`, which must be a plain file that is not empty.
pub(super) fn map_file(path: &Path) -> Result<Bytes> {
    let metadata = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
    if metadata.is_dir() {
        return Err(Error::format(path, say!("this is a folder; choose the .onnx file in it")));
    }
    if !metadata.is_file() {
        return Err(Error::format(path, say!("this is no plain file")));
    }
    if metadata.len() == 0 {
        return Err(Error::format(path, say!("the file is empty (0 bytes); export or download it again")));
    }
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    #[expect(unsafe_code, reason = "mapping is what keeps weights from being copied; see the module's notes")]
    // SAFETY: the mapping is read-only and private to this process. That nobody shortens the file meanwhile cannot be
    // enforced on any system; nothing here does it.
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(|e| Error::io(path, e))?;
    Ok(Bytes::from_owner(map))
}

fn hex_sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Decodes a file, with a warning for each kind of field that the schema does not know.
fn decode(path: &Path, file: &Bytes) -> Result<(ModelProto, Vec<Warning>)> {
    let walk = wire::walk(file, Kind::Model).map_err(|damage| Error::format(path, describe(file, &damage)))?;
    let allowed = BASE_ALLOWANCE + GROWTH_ALLOWANCE * GROWTH_CAP.min(file.len() as u64);
    if walk.decoded_bytes > allowed {
        let megabytes = walk.decoded_bytes >> 20;
        return Err(Error::format(
            path,
            say!("the file would take {} MiB in memory without its weights; no real model does", megabytes),
        ));
    }
    let model = ModelProto::decode(file.clone())
        .map_err(|error| Error::format(path, say!("the file is damaged: {}; export or download it again", error)))?;
    if model.graph.is_none()
        && let Some(what) = sniff::looks_like(file)
    {
        return Err(Error::format(path, say!("this is not an ONNX model but {}", what)));
    }
    Ok((model, unknown_fields(&walk)))
}

fn unknown_fields(walk: &Walk) -> Vec<Warning> {
    let warn = |((place, number), times): (&(String, u32), &u64)| {
        let times = if *times == 1 { say!("once") } else { say!("{} times", times) };
        let message = say!(
            "{} has field {} ({}), which ONNX up to IR version {} does not define; it is not \
             used and an exported model will not have it",
            place,
            number,
            times,
            IR_VERSION
        );
        Warning::new("unknown-field", message)
    };
    walk.unknown.iter().map(warn).collect()
}

/// The reason of an [`Error::Format`] for a file that cannot be decoded.
fn describe(file: &[u8], damage: &Damage) -> Text {
    if let Some(what) = sniff::looks_like(file) {
        return say!("this is not an ONNX model but {}", what);
    }
    if is_tensor(file) {
        return say!("this is a single ONNX tensor (test data), not a model");
    }
    let Damage { offset, path, problem, missing, began_well } = damage;
    if !began_well {
        return say!("this is not an ONNX model: its very first field is none of ONNX's");
    }
    if let Some(missing) = missing {
        return say!(
            "the file is truncated: in {} at byte {}, {}; it has {} bytes and at least {} more \
             are missing; export or download it again",
            path,
            offset,
            problem,
            file.len(),
            missing
        );
    }
    say!("the file is damaged at byte {}: in {}, {}; export or download it again", offset, path, problem)
}

/// Whether the file is one `TensorProto`, as ONNX's test data are (`input_0.pb`).
fn is_tensor(file: &[u8]) -> bool {
    let whole = wire::walk(file, Kind::Tensor).is_ok_and(|walk| walk.unknown.is_empty());
    whole && TensorProto::decode(file).is_ok_and(|tensor| tensor.data_type.is_some())
}

/// What every later step relies on: a graph, an IR version, operator sets.
fn check(path: &Path, model: &ModelProto) -> Result<()> {
    let Some(graph) = &model.graph else {
        return Err(Error::format(path, say!("the file has no graph, so it is not an ONNX model or an empty one")));
    };
    let Some(version) = model.ir_version else {
        return Err(Error::format(
            path,
            say!("the model states no IR version, so onnxruntime cannot run it; export it again"),
        ));
    };
    if model.opset_import.is_empty() {
        let age = if version < 3 { say!("is from 2017 (before operator sets) and ") } else { Text::default() };
        let reason = say!(
            "the model {}has IR version {} and no opset_import, so onnxruntime cannot run it; export it again \
             from its framework with opset 13 or later",
            age,
            version
        );
        return Err(Error::format(path, reason));
    }
    if graph.node.is_empty() && graph.output.is_empty() {
        return Err(Error::format(path, say!("the model's graph has no nodes and no outputs")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
