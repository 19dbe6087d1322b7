//! Weights in files beside the model: where they may be, and the bytes themselves.
//!
//! A model is untrusted input, and `location` is a path it chooses. A data file must lie in the model's folder or
//! below, by its text and again after symbolic links are resolved; the folder in which the model file really lies
//! counts too, since download caches keep a model and its data as links into one store. The same rules as
//! onnxruntime's, so what opens here runs there.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    load::map_file,
    proto::{DataLocation, DataType, ModelProto, StringStringEntryProto, TensorProto},
    values::byte_length,
    visit::visit_tensors_mut,
};
use crate::{
    error::{Error, Result},
    job::Warning,
    say,
    text::Text,
};

/// Fills `raw_data` of every external tensor of `model` with a slice of its mapped data file in `model_dir` or below.
/// `external_data` and `data_location` stay, so that saving knows the tensor was external. Returns how many bytes the
/// tensors take together.
///
/// # Errors
/// [`Error::Model`] naming the tensor, the file and what to do, when a location leaves the folder, a file is missing, or
/// a range lies outside its file; [`Error::Io`] when a file cannot be mapped. The model may then be filled in part.
pub fn read_external(model_dir: &Path, model: &mut ModelProto) -> Result<u64> {
    Reader::new(model_dir, None).read_all(model)
}

/// As [`read_external`], for the model file `path`; also warns of checksums, which are not verified.
pub(super) fn read_beside(path: &Path, model: &mut ModelProto) -> Result<Option<Warning>> {
    let real = path.canonicalize().ok().and_then(|real| real.parent().map(Path::to_owned));
    let mut reader = Reader::new(folder_of(path), real);
    reader.read_all(model)?;
    let files: Vec<_> = reader.checksums.iter().map(|location| format!("`{location}`")).collect();
    Ok((!files.is_empty()).then(|| {
        let message = say!("checksums that the model gives for {} are not verified", files.join(", "));
        Warning::new("external-checksum", message)
    }))
}

/// The folder a file is in; `.` for a bare name.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether the tensor's values are outside its model's file.
pub(super) fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == Some(DataLocation::External as i32)
}

/// What `external_data` says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Entry<'a> {
    location: &'a str,
    offset: u64,
    length: Option<u64>,
    has_checksum: bool,
}

struct Reader<'a> {
    model_dir: &'a Path,
    /// The folder in which the model file really lies, when that is known.
    real_dir: Option<PathBuf>,
    /// Data files mapped so far, by location.
    files: BTreeMap<String, Bytes>,
    /// Locations for which some tensor gives a checksum.
    checksums: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    fn new(model_dir: &'a Path, real_dir: Option<PathBuf>) -> Self {
        Self { model_dir, real_dir, files: BTreeMap::new(), checksums: BTreeSet::new() }
    }

    fn read_all(&mut self, model: &mut ModelProto) -> Result<u64> {
        let mut total = 0;
        visit_tensors_mut(model, &mut |place, tensor| -> Result<()> {
            if is_external(tensor) {
                let bytes = self.read(tensor).map_err(|reason| match reason {
                    Failure::Tensor(reason) => {
                        Error::model(say!("external data of tensor `{}` ({}): {}", tensor.name(), place, reason))
                    }
                    Failure::File(error) => error,
                })?;
                total += bytes.len() as u64;
                tensor.raw_data = Some(bytes);
            }
            Ok(())
        })?;
        Ok(total)
    }

    /// The bytes of one external tensor.
    fn read(&mut self, tensor: &TensorProto) -> Result<Bytes, Failure> {
        if tensor.data_type == Some(DataType::String as i32) {
            return Err(say!("text cannot be stored outside the model").into());
        }
        let entry = parse(&tensor.external_data)?;
        let file = self.file(entry.location)?;
        if entry.has_checksum {
            self.checksums.insert(entry.location.to_owned());
        }
        let size = file.len() as u64;
        let expected = byte_length(tensor)?;
        let left = size.checked_sub(entry.offset).ok_or_else(|| {
            say!("starts at byte {} of `{}`, which has only {} bytes; {}", entry.offset, entry.location, size, again())
        })?;
        // Without a length the tensor's own size decides; for element types of no fixed size, the rest of the file.
        let length = entry.length.or(expected).unwrap_or(left);
        if let Some(expected) = expected.filter(|expected| *expected != length) {
            return Err(
                say!("its length is given as {} bytes, its shape takes {}; {}", length, expected, again()).into()
            );
        }
        if length > left {
            let location = entry.location;
            return Err(say!(
                "takes bytes {} to {} of `{}`, which has only {}; {}",
                entry.offset,
                entry.offset.saturating_add(length),
                location,
                size,
                again()
            )
            .into());
        }
        // Both lie within the mapped file, so they fit a usize.
        let start = usize::try_from(entry.offset).unwrap_or(usize::MAX);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(file.slice(start..start + length))
    }

    /// The mapped data file at `location`.
    fn file(&mut self, location: &str) -> Result<Bytes, Failure> {
        if let Some(file) = self.files.get(location) {
            return Ok(file.clone());
        }
        let path = self.resolve(location)?;
        // An empty file cannot be mapped, and holds the data of tensors without elements.
        let empty = std::fs::metadata(&path).is_ok_and(|data| data.is_file() && data.len() == 0);
        let file = if empty { Bytes::new() } else { map_file(&path).map_err(Failure::File)? };
        self.files.insert(location.to_owned(), file.clone());
        Ok(file)
    }

    /// The real path of `location`, checked to stay in the model's folder.
    fn resolve(&self, location: &str) -> Result<PathBuf, Failure> {
        check_location(location)?;
        let missing = |path: &Path, error: &std::io::Error| {
            say!("file `{}` cannot be opened ({}); put it beside the model, under this name", path.display(), error)
        };
        let path = self.model_dir.join(location);
        let real = path.canonicalize().map_err(|error| missing(&path, &error))?;
        let folder = self.model_dir.canonicalize().map_err(|error| missing(self.model_dir, &error))?;
        if real.starts_with(folder) || self.real_dir.as_ref().is_some_and(|folder| real.starts_with(folder)) {
            return Ok(real);
        }
        let message = say!("`{}` is a link out of the model's folder; put the file itself beside the model", location);
        Err(message.into())
    }
}

fn again() -> Text {
    say!("the data file belongs to another model or is damaged, export or download both again")
}

/// Why one tensor cannot be read: a reason that its name is added to, or an error of the file itself.
enum Failure {
    Tensor(Text),
    File(Error),
}

impl From<Text> for Failure {
    fn from(reason: Text) -> Self {
        Self::Tensor(reason)
    }
}

/// Refuses locations that leave the folder by their text, in the manner of any operating system: a model checked on
/// Linux may be opened on Windows, where `\` separates and `C:` is a place.
fn check_location(location: &str) -> Result<(), Text> {
    let drive = matches!(location.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    let problem = if location.is_empty() {
        say!("it gives no location")
    } else if location.contains('\0') {
        say!("its location is not a path")
    } else if location.starts_with(['/', '\\']) || drive || Path::new(location).is_absolute() {
        say!("its location is absolute")
    } else if location.split(['/', '\\']).any(|part| part == "..") {
        say!("its location leaves the model's folder")
    } else {
        return Ok(());
    };
    let location: String = location.chars().take(200).collect();
    Err(say!(
        "{} ({}), which is not allowed; save the model with its data file beside it",
        problem,
        format!("{location:?}")
    ))
}

fn parse(entries: &[StringStringEntryProto]) -> Result<Entry<'_>, Text> {
    let mut parsed = Entry::default();
    for entry in entries {
        let number = || {
            let value = entry.value();
            value
                .trim()
                .parse::<u64>()
                .map_err(|_error| say!("its {} {} is no byte count", entry.key(), format!("{value:?}")))
        };
        match entry.key() {
            "location" => parsed.location = entry.value(),
            "offset" => parsed.offset = number()?,
            "length" => parsed.length = Some(number()?),
            "checksum" => parsed.has_checksum = true,
            // Other keys are a producer's own (onnxruntime writes prepacked weights so); readers skip them.
            _ => {}
        }
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests;
