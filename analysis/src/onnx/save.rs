//! Writes a model so that there is either the whole new file or what was there before.
//!
//! Everything goes to temporary files in the same folder, is flushed to the disk, and then renamed. With a data file
//! two renames are needed, and nothing makes two renames one step; the data file that was there is put aside until the
//! model's rename has succeeded, and put back if it fails. A file that is still mapped as a loaded model is safe to
//! save over: the mapping keeps the old contents (Windows refuses the rename instead, with an error).

use std::{
    borrow::Cow,
    convert::Infallible,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use prost::Message as _;
use tempfile::{NamedTempFile, TempPath};

use super::{
    external::{folder_of, is_external},
    proto::{DataLocation, ModelProto, StringStringEntryProto, TensorProto},
    sink::Sink,
    visit::{INITIALIZER, any_tensor, visit_tensors_mut},
};
use crate::{
    error::{Error, Result},
    say,
};

/// Largest file that protobuf, and with it onnxruntime, reads.
const PROTOBUF_LIMIT: usize = i32::MAX as usize;
/// Data of each tensor begins at a multiple of this, as `onnx.proto` asks, so that readers can map it.
const ALIGNMENT: usize = 4096;

/// Where the values of tensors go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExternalPolicy {
    /// Tensors that were outside their file go to a data file again, the others stay inside.
    #[default]
    AsLoaded,
    /// Everything goes into the one file.
    Inline,
    /// Large initializers go to a data file.
    OneFile,
}

/// How to save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaveOptions {
    /// Where the values of tensors go. The data file of `NAME.onnx` is `NAME.onnx.data`, beside it. A model that would
    /// exceed 2 GiB inside one file gets a data file whatever is asked here.
    pub external: ExternalPolicy,
    /// Initializers of at least so many bytes count as large (1024, as in ONNX's own tools).
    pub large_from: usize,
}

impl Default for SaveOptions {
    fn default() -> Self {
        Self { external: ExternalPolicy::default(), large_from: 1024 }
    }
}

/// Saves `model` as `path`, with a data file beside it where needed.
///
/// # Errors
/// [`Error::Io`] naming the file when the disk is full, read-only or missing: then no file has changed.
/// [`Error::Model`] when an external tensor's values were never read. [`Error::Format`] when the model exceeds 2 GiB
/// even without its large initializers, or needs a data file and its name is not UTF-8.
pub fn save(model: &ModelProto, path: &Path, options: &SaveOptions) -> Result<()> {
    save_below(model, path, options, PROTOBUF_LIMIT)
}

/// [`save`] with another limit than protobuf's.
fn save_below(model: &ModelProto, path: &Path, options: &SaveOptions, limit: usize) -> Result<()> {
    let mut arranged = arrange(model, path, options)?;
    if arranged.model.encoded_len() > limit {
        arranged = arrange(model, path, &SaveOptions { external: ExternalPolicy::OneFile, ..*options })?;
        let size = arranged.model.encoded_len();
        if size > limit {
            return Err(Error::format(
                path,
                say!("the model takes {} bytes without its large initializers; ONNX files end at {}", size, limit),
            ));
        }
    }
    let data = arranged.data.write(path)?;
    let file = write_temporary(path, |file| {
        let mut sink = Sink::new(file);
        arranged.model.encode(&mut sink).map_err(io::Error::other)?;
        sink.finish()
    })?;
    replace(path, file, data)
}

/// A model as it will be written, and the data that go outside.
struct Arranged<'a> {
    model: Cow<'a, ModelProto>,
    data: DataFile,
}

/// Decides for every tensor whether it goes inside or outside.
fn arrange<'a>(model: &'a ModelProto, path: &Path, options: &SaveOptions) -> Result<Arranged<'a>> {
    let mut data = DataFile::default();
    if options.external != ExternalPolicy::OneFile && !any_tensor(model, is_external) {
        return Ok(Arranged { model: Cow::Borrowed(model), data });
    }
    // Clones messages but not weights: those are shared `Bytes`.
    let mut copy = model.clone();
    let mut unread = None;
    let _: Result<(), Infallible> = visit_tensors_mut(&mut copy, &mut |place, tensor| {
        let was_external = is_external(tensor);
        let go_out = match options.external {
            ExternalPolicy::AsLoaded => was_external,
            ExternalPolicy::Inline => false,
            ExternalPolicy::OneFile => was_external || place == INITIALIZER && is_large(tensor, options.large_from),
        };
        if was_external && tensor.raw_data.is_none() && unread.is_none() {
            unread = Some(tensor.name().to_owned());
        } else if go_out {
            data.take(tensor);
        } else if was_external {
            tensor.data_location = None;
            tensor.external_data.clear();
        }
        Ok(())
    });
    if let Some(name) = unread {
        return Err(Error::model(say!("external tensor `{}` cannot be saved: its values were not read", name)));
    }
    if !data.blobs.is_empty() {
        let location = data_path(path);
        let name = location.file_name().and_then(|name| name.to_str());
        let name =
            name.ok_or_else(|| Error::format(path, say!("the name must be UTF-8, since the model stores it")))?;
        data.enter_location(&mut copy, name);
    }
    Ok(Arranged { model: Cow::Owned(copy), data })
}

fn is_large(tensor: &TensorProto, from: usize) -> bool {
    tensor.raw_data.as_ref().is_some_and(|raw| raw.len() >= from)
}

/// `NAME.onnx` → `NAME.onnx.data`.
fn data_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".data");
    path.with_file_name(name)
}

/// The data file to be written: each tensor's bytes and where they begin.
#[derive(Default)]
struct DataFile {
    blobs: Vec<(usize, Bytes)>,
    end: usize,
}

impl DataFile {
    /// Moves a tensor's values here. Its location is entered later, by [`DataFile::enter_location`].
    fn take(&mut self, tensor: &mut TensorProto) {
        let Some(raw) = tensor.raw_data.take() else { return };
        let offset = self.end.next_multiple_of(ALIGNMENT);
        let entry = |key: &str, value: usize| StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value.to_string()),
        };
        tensor.external_data = vec![entry("offset", offset), entry("length", raw.len())];
        tensor.data_location = Some(DataLocation::External as i32);
        self.end = offset + raw.len();
        self.blobs.push((offset, raw));
    }

    fn enter_location(&self, model: &mut ModelProto, name: &str) {
        let _: Result<(), Infallible> = visit_tensors_mut(model, &mut |_, tensor| {
            if is_external(tensor) {
                let location = StringStringEntryProto { key: Some("location".into()), value: Some(name.to_owned()) };
                tensor.external_data.insert(0, location);
            }
            Ok(())
        });
    }

    /// Writes the data file of the model `path` to a temporary file; `None` when nothing goes outside.
    fn write(&self, path: &Path) -> Result<Option<(NamedTempFile, PathBuf)>> {
        if self.blobs.is_empty() {
            return Ok(None);
        }
        let path = data_path(path);
        let file = write_temporary(&path, |file| {
            let mut out = BufWriter::new(file);
            let mut at = 0;
            for (offset, bytes) in &self.blobs {
                // Gaps are shorter than the alignment.
                out.write_all(&[0; ALIGNMENT][..offset - at])?;
                out.write_all(bytes)?;
                at = offset + bytes.len();
            }
            out.flush()
        })?;
        Ok(Some((file, path)))
    }
}

/// A temporary file beside `path` with what `write` puts into it, flushed to the disk.
fn write_temporary(path: &Path, write: impl FnOnce(&mut std::fs::File) -> io::Result<()>) -> Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".quantlens-");
    #[cfg(unix)]
    // Otherwise only the owner could read the model; the system's umask still applies.
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder_of(path)).map_err(|error| Error::io(path, plain(&error)))?;
    write(file.as_file_mut()).and_then(|()| file.as_file().sync_all()).map_err(|error| Error::io(path, error))?;
    Ok(file)
}

/// The same error without the temporary file's name, which means nothing to the user.
fn plain(error: &io::Error) -> io::Error {
    io::Error::from(error.kind())
}

/// Renames both files into place, or neither.
fn replace(path: &Path, file: NamedTempFile, data: Option<(NamedTempFile, PathBuf)>) -> Result<()> {
    if path.is_dir() {
        return Err(Error::io(path, io::Error::from(io::ErrorKind::IsADirectory)));
    }
    let Some((data, data_path)) = data else {
        file.persist(path).map_err(|error| Error::io(path, error.error))?;
        return sync_folder(path);
    };
    let aside = put_aside(&data_path)?;
    let restore = |error: Error| {
        // Should this fail as well, the error that matters is still the first.
        let _ = match &aside {
            Some(aside) => std::fs::rename(aside, &data_path),
            None => std::fs::remove_file(&data_path),
        };
        error
    };
    data.persist(&data_path).map_err(|error| restore(Error::io(&data_path, error.error)))?;
    file.persist(path).map_err(|error| restore(Error::io(path, error.error)))?;
    sync_folder(path)
}

/// Renames `path`, if there is such a file, to a temporary name that is removed when the result is dropped.
fn put_aside(path: &Path) -> Result<Option<TempPath>> {
    if path.is_dir() {
        return Err(Error::io(path, io::Error::from(io::ErrorKind::IsADirectory)));
    }
    if std::fs::symlink_metadata(path).is_err() {
        return Ok(None);
    }
    let aside = write_temporary(path, |_| Ok(()))?.into_temp_path();
    std::fs::rename(path, &aside).map_err(|error| Error::io(path, error))?;
    Ok(Some(aside))
}

/// Makes the renames last through a power cut, where the system can.
fn sync_folder(path: &Path) -> Result<()> {
    #[cfg(unix)]
    if let Ok(folder) = std::fs::File::open(folder_of(path)) {
        // Some file systems refuse to flush a folder; the files themselves are flushed already.
        let _ = folder.sync_all();
    }
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests;
