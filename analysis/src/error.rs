//! What can go wrong in the core, each with the file, node or tensor it happened at.
//!
//! The message says what was found and, where one exists, what the user can do about it. Soft problems that do not
//! stop the work are [`crate::job::Warning`]s instead. [`Error::Cancelled`] is control flow, never shown as a failure.

use std::path::PathBuf;

use crate::{
    say,
    text::{Text, Value},
};

/// Shorthand for a result of the core.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the core. Every message can be shown to the user as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not what it should be (not ONNX, truncated, not an image, …).
    #[error("{}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found and what to do.
        reason: Text,
    },
    /// The model is valid ONNX but cannot be analyzed.
    #[error("{reason}")]
    Model {
        /// Names the node or tensor, and what to do.
        reason: Text,
    },
    /// The data do not fit the model or are unusable.
    #[error("{reason}")]
    Data {
        /// Names the input, file or array, and what to do.
        reason: Text,
    },
    /// A configuration asks for something that cannot take effect.
    #[error("{place}: {reason}")]
    Config {
        /// The layer, rule or file that asks for it.
        place: Text,
        /// Why it is refused and what would be accepted.
        reason: Text,
    },
    /// onnxruntime refused a model or failed while running it.
    #[error("{}", crate::t!("onnxruntime failed at {}: {}", place, reason))]
    Runtime {
        /// The node, segment or file being loaded or run.
        place: Text,
        /// onnxruntime's own words.
        reason: Text,
    },
    /// An exported file does not reproduce what was shown.
    #[error("{}", crate::t!("verification failed: {}", reason))]
    Verify {
        /// Which tensor differs and by how much.
        reason: Text,
    },
    /// The user cancelled the job.
    #[error("{}", crate::t!("cancelled"))]
    Cancelled,
}

/// What the error shows of itself, in the language that it is read in.
impl Value for Error {
    fn value(&self) -> Text {
        match self {
            Self::Io { path, source } => colon(path.display().value(), source.value()),
            Self::Format { path, reason } => colon(path.display().value(), reason.clone()),
            Self::Model { reason } | Self::Data { reason } => reason.clone(),
            Self::Config { place, reason } => colon(place.clone(), reason.clone()),
            Self::Runtime { place, reason } => say!("onnxruntime failed at {}: {}", place, reason),
            Self::Verify { reason } => say!("verification failed: {}", reason),
            Self::Cancelled => say!("cancelled"),
        }
    }
}

fn colon(place: Text, reason: Text) -> Text {
    Text::joined(": ", [place, reason])
}

impl Error {
    /// An [`Error::Io`] for `path`.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }

    /// An [`Error::Format`] for `path`.
    pub fn format(path: impl Into<PathBuf>, reason: impl Into<Text>) -> Self {
        Self::Format { path: path.into(), reason: reason.into() }
    }

    /// An [`Error::Model`].
    pub fn model(reason: impl Into<Text>) -> Self {
        Self::Model { reason: reason.into() }
    }

    /// An [`Error::Data`].
    pub fn data(reason: impl Into<Text>) -> Self {
        Self::Data { reason: reason.into() }
    }

    /// An [`Error::Config`] at `place`.
    pub fn config(place: impl Into<Text>, reason: impl Into<Text>) -> Self {
        Self::Config { place: place.into(), reason: reason.into() }
    }

    /// An [`Error::Runtime`] at `place`.
    pub fn runtime(place: impl Into<Text>, reason: impl ToString) -> Self {
        Self::Runtime { place: place.into(), reason: reason.to_string().into() }
    }
}
