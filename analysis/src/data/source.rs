//! What a path holds, found out by looking: pictures, arrays, tensor files or ONNX test sets.
//!
//! The kind goes by content where the name could lie (`.npz` saved as `.zip`), and a folder that holds several kinds is taken
//! as the first of: test sets, pictures, arrays. What is left aside is said in a warning.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    arrays::Arrays,
    files,
    images::Images,
    labels::LabelOptions,
    npy, npz,
    picture::PictureShape,
    recipe::Recipe,
    tensor_files::{NpyFolder, read_npy},
    test_sets,
};
use crate::{
    error::{Error, Result},
    job::Warning,
    say,
    tensor::ModelInput,
};

/// Where samples come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataSource {
    /// A folder or file.
    Path(PathBuf),
    /// Made up by a seeded generator.
    Synthetic {
        /// How many samples.
        samples: usize,
        /// Other seeds give other samples.
        seed: u64,
    },
}

impl DataSource {
    /// A command line's argument: `synthetic`, or a path (`./synthetic` for a folder of that name).
    pub fn parse(argument: &OsStr) -> Self {
        if argument == "synthetic" {
            Self::Synthetic { samples: 32, seed: 0 }
        } else {
            Self::Path(PathBuf::from(argument))
        }
    }
}

/// How to open data, beyond where they are.
#[derive(Clone, Debug, Default)]
pub struct DataOptions {
    /// Preprocessing; `None`: guessed for pictures and synthetic data, none for arrays.
    pub recipe: Option<Recipe>,
    /// At most this many samples: the first, or evenly spread over pictures in a folder per class.
    pub limit: Option<usize>,
    /// How labels are read.
    pub labels: LabelOptions,
    /// The model's file name or producer, for the guess.
    pub model_name: Option<String>,
    /// The model's folder, where a vocabulary may lie.
    pub model_folder: Option<PathBuf>,
    /// By the name of an input, the rows of the table that its numbers choose from.
    pub tables: BTreeMap<String, usize>,
}

/// What kind of data a [`super::Dataset`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// Picture files.
    Pictures,
    /// Arrays held in memory (`.npz`, `.npy`).
    Arrays,
    /// A folder of `.npy` files, read one at a time.
    NpyFiles,
    /// ONNX test-data folders.
    TestSets,
    /// Made-up samples.
    Synthetic,
}

/// Opened data, not yet bound to a recipe.
#[derive(Clone, Debug)]
pub(super) enum Opened {
    Images(Arc<Images>),
    Arrays(Arc<Arrays>),
    Npy(Arc<NpyFolder>),
    TestSets { folder: PathBuf, sets: Vec<PathBuf> },
    Synthetic { samples: usize, seed: u64 },
}

impl Opened {
    pub(super) fn kind(&self) -> DataKind {
        match self {
            Self::Images(_) => DataKind::Pictures,
            Self::Arrays(_) => DataKind::Arrays,
            Self::Npy(_) => DataKind::NpyFiles,
            Self::TestSets { .. } => DataKind::TestSets,
            Self::Synthetic { .. } => DataKind::Synthetic,
        }
    }
}

/// Opens `path` for a model with `inputs`; at most `limit` samples are looked at where that saves work.
///
/// # Errors
/// [`Error::Io`], [`Error::Format`] for broken files, [`Error::Data`] when nothing usable is there.
pub(super) fn open(path: &Path, inputs: &[ModelInput], limit: Option<usize>) -> Result<(Opened, Vec<Warning>)> {
    let metadata = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
    if metadata.is_dir() { folder(path, inputs, limit) } else { Ok((file(path)?, Vec::new())) }
}

fn file(path: &Path) -> Result<Opened> {
    let mut head = [0; 6];
    let mut file = File::open(path).map_err(|e| Error::io(path, e))?;
    let n = file.read(&mut head).map_err(|e| Error::io(path, e))?;
    let head = &head[..n];
    let place = path.display().to_string();
    if head.starts_with(npz::MAGIC) || files::has_ending(path, &["npz"]) {
        let arrays = npz::parse(&files::read(path)?).map_err(|reason| Error::format(path, reason))?;
        return Ok(Opened::Arrays(Arc::new(Arrays { place, arrays })));
    }
    if head.starts_with(npy::MAGIC) || files::has_ending(path, &["npy"]) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let arrays = BTreeMap::from([(name, read_npy(path)?)]);
        return Ok(Opened::Arrays(Arc::new(Arrays { place, arrays })));
    }
    if files::is_picture(path) {
        let folder = path.parent().unwrap_or(path);
        return Ok(Opened::Images(Arc::new(Images::open(folder, &[path.to_owned()], None, false)?)));
    }
    let known = say!(
        "a picture (PNG, JPEG, BMP, WebP), .npy or .npz file, or a folder of these or of ONNX test sets, is needed"
    );
    Err(Error::format(path, say!("is no data that this program reads: {}", known)))
}

fn folder(path: &Path, inputs: &[ModelInput], limit: Option<usize>) -> Result<(Opened, Vec<Warning>)> {
    let mut sets = test_sets::find(path)?;
    if !sets.is_empty() {
        sets.truncate(limit.unwrap_or(usize::MAX).max(1));
        return Ok((Opened::TestSets { folder: path.to_owned(), sets }, Vec::new()));
    }
    let entries = files::entries(path)?;
    let is_labels = |p: &PathBuf| p.file_name().is_some_and(|n| n == "labels.npy");
    let npy: Vec<PathBuf> =
        entries.iter().filter(|p| files::has_ending(p, &["npy"]) && !is_labels(p)).cloned().collect();
    let pictures = files::pictures(path)?;
    if !pictures.is_empty() {
        let mut warnings = Vec::new();
        if !npy.is_empty() {
            let message = say!("{}: {} .npy files beside pictures are not used", path.display(), npy.len());
            warnings.push(Warning::new("data-mixed", message));
        }
        let block = match inputs {
            [input] => PictureShape::of(input, None).map_or(1, |shape| shape.block),
            _ => 1,
        };
        let limit = limit.map(|n| n.max(1).saturating_mul(block));
        let images = Images::open(path, &pictures, limit, a_folder_per_class(&pictures, path))?;
        return Ok((Opened::Images(Arc::new(images)), warnings));
    }
    let stem = |p: &PathBuf| p.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if !npy.is_empty() {
        // One file an input is the .npz of those who do not zip; any other names are one file a sample.
        if inputs.iter().all(|i| npy.iter().any(|p| stem(p) == i.name)) {
            let files = npy.iter().chain(entries.iter().filter(|p| is_labels(p)));
            let arrays = files.map(|p| Ok((stem(p), read_npy(p)?))).collect::<Result<_>>()?;
            return Ok((Opened::Arrays(Arc::new(Arrays { place: path.display().to_string(), arrays })), Vec::new()));
        }
        return Ok((Opened::Npy(Arc::new(NpyFolder { folder: path.to_owned(), files: npy, limit })), Vec::new()));
    }
    let archives: Vec<&PathBuf> = entries.iter().filter(|p| files::has_ending(p, &["npz"])).collect();
    match archives[..] {
        [only] => Ok((file(only)?, Vec::new())),
        [] => Err(Error::data(say!(
            "{}: no pictures, .npy or .npz files or ONNX test sets among its {} entries",
            path.display(),
            entries.len()
        ))),
        _ => Err(Error::data(say!("{}: holds {} .npz files; name one of them", path.display(), archives.len()))),
    }
}

/// Whether every picture lies in a folder of its own kind below `root`, of which there are at least two.
fn a_folder_per_class(pictures: &[PathBuf], root: &Path) -> bool {
    let parents: Vec<Option<&Path>> = pictures.iter().map(|p| p.parent().filter(|f| *f != root)).collect();
    parents.iter().all(Option::is_some) && parents.first() != parents.last()
}
