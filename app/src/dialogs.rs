//! Dialogs of the system, behind a function pointer: tests answer themselves, and a desktop without a working dialog
//! service gets advice instead of a window that waits.
//!
//! The dialog is created on the window's thread, as some systems demand, and awaited on a short thread of its own. A
//! portal that hangs on minimal desktops never answers and never fails; after [`ADVICE_AFTER`] without the window having
//! lost the focus there is nothing on screen, so the advice names the other ways in.

use quantlens_analysis::{mark, t};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

/// How long a dialog may stay silent before the window gives advice.
pub const ADVICE_AFTER: Duration = Duration::from_secs(5);

/// What the advice says.
pub const ADVICE: &str = mark!("No file dialog? Drop the file on the window, or use File ▸ Open path…");

/// What the window needs a path for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A model to open.
    OpenModel,
    /// A folder of images.
    OpenImages,
    /// An array file.
    OpenArrays,
    /// A configuration to read.
    OpenConfig,
    /// A target file to use.
    OpenTarget,
    /// Where to write the configuration.
    SaveConfig {
        /// Close the window when that is done.
        then_close: bool,
    },
    /// Where to write the quantized model.
    SaveExport,
    /// Where to write a figure.
    SaveFigure,
    /// Where to write the picture to share.
    SaveShare,
    /// A session to open.
    OpenSession,
    /// Where to write the session.
    SaveSession,
}

/// An answer: the path, or nothing where the user cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was asked for.
    pub ask: Ask,
    /// The path chosen.
    pub path: Option<PathBuf>,
}

/// How a dialog is shown: `(what for, suggested folder and file name, where the answer goes)`.
pub type Show = fn(Ask, &Suggestion, Reply);

/// Where to start.
#[derive(Clone, Debug, Default)]
pub struct Suggestion {
    /// Folder to open in.
    pub folder: Option<PathBuf>,
    /// Name to offer for a new file.
    pub file: String,
}

/// Takes the answer and wakes the window.
#[derive(Clone)]
pub struct Reply {
    sender: Sender<Answer>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

impl Reply {
    /// Sends the answer.
    pub fn send(&self, answer: Answer) {
        // The window may be gone already.
        let _ = self.sender.send(answer);
        (self.wake)();
    }
}

/// The dialogs of one window.
#[derive(Debug)]
pub struct Dialogs {
    show: Show,
    reply: Reply,
    answers: Receiver<Answer>,
    /// Since when an answer is awaited, by the window's clock, and whether the advice was given.
    waiting: Option<(f64, bool)>,
}

impl Dialogs {
    /// Dialogs shown by `show`; `wake` makes the window look for the answer.
    pub fn new(show: Show, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let (sender, answers) = channel();
        Self { show, reply: Reply { sender, wake }, answers, waiting: None }
    }

    /// Opens a dialog.
    pub fn ask(&mut self, ask: Ask, suggestion: &Suggestion, now: f64) {
        self.waiting = Some((now, false));
        (self.show)(ask, suggestion, self.reply.clone());
    }

    /// An answer that has come.
    pub fn poll(&mut self) -> Option<Answer> {
        let answer = self.answers.try_recv().ok();
        if answer.is_some() {
            self.waiting = None;
        }
        answer
    }

    /// Whether the advice is due: a dialog was asked for a while ago, yet this window still has the focus. Once a dialog.
    pub fn advice_due(&mut self, now: f64, focused: bool) -> bool {
        match &mut self.waiting {
            Some((since, given)) if focused && !*given && now - *since >= ADVICE_AFTER.as_secs_f64() => {
                *given = true;
                true
            }
            _ => false,
        }
    }

    /// Seconds until the advice may be due; `None` when nothing is awaited.
    pub fn advice_in(&self, now: f64) -> Option<f64> {
        let (since, given) = self.waiting?;
        (!given).then(|| (ADVICE_AFTER.as_secs_f64() - (now - since)).max(0.0))
    }
}

/// Shows the desktop's own dialog.
pub fn native(ask: Ask, suggestion: &Suggestion, reply: Reply) {
    let mut dialog = rfd::AsyncFileDialog::new();
    if let Some(folder) = &suggestion.folder {
        dialog = dialog.set_directory(folder);
    }
    dialog = match ask {
        Ask::OpenModel => dialog.set_title(t!("Open a float ONNX model")).add_filter(t!("ONNX models"), &["onnx"]),
        Ask::OpenImages => dialog.set_title(t!("Use a folder of images")),
        Ask::OpenArrays => dialog.set_title(t!("Use an array file")).add_filter(t!("NumPy arrays"), &["npz", "npy"]),
        Ask::OpenConfig => dialog.set_title(t!("Open a configuration")).add_filter(t!("Configurations"), &["json"]),
        Ask::OpenTarget => dialog.set_title(t!("Open a target file")).add_filter(t!("Targets"), &["toml"]),
        Ask::OpenSession => {
            dialog.set_title(t!("Open a session")).add_filter(t!("Sessions"), &[crate::session_file::EXTENSION])
        }
        Ask::SaveSession => dialog.set_title(t!("Save the session")).set_file_name(&suggestion.file),
        Ask::SaveConfig { .. } => dialog.set_title(t!("Save the configuration")).set_file_name(&suggestion.file),
        Ask::SaveExport => dialog.set_title(t!("Export the quantized model")).set_file_name(&suggestion.file),
        Ask::SaveFigure => dialog
            .set_title(t!("Export the figure"))
            .set_file_name(&suggestion.file)
            .add_filter("SVG", &["svg"])
            .add_filter("PNG", &["png"])
            .add_filter("CSV", &["csv"])
            .add_filter("JSON", &["json"]),
        Ask::SaveShare => {
            dialog.set_title(t!("Share as a picture")).set_file_name(&suggestion.file).add_filter("PNG", &["png"])
        }
    };
    type Chosen = std::pin::Pin<Box<dyn Future<Output = Option<rfd::FileHandle>> + Send>>;
    let chosen: Chosen = match ask {
        Ask::OpenModel | Ask::OpenArrays | Ask::OpenConfig | Ask::OpenTarget | Ask::OpenSession => {
            Box::pin(dialog.pick_file())
        }
        Ask::OpenImages => Box::pin(dialog.pick_folder()),
        Ask::SaveConfig { .. } | Ask::SaveExport | Ask::SaveFigure | Ask::SaveShare | Ask::SaveSession => {
            Box::pin(dialog.save_file())
        }
    };
    let failed = reply.clone();
    let thread = std::thread::Builder::new().name("dialog".into()).spawn(move || {
        let path = pollster::block_on(chosen).map(|file| file.path().to_path_buf());
        reply.send(Answer { ask, path });
    });
    if thread.is_err() {
        failed.send(Answer { ask, path: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent(_: Ask, _: &Suggestion, _: Reply) {}

    fn answers(ask: Ask, suggestion: &Suggestion, reply: Reply) {
        reply.send(Answer { ask, path: Some(suggestion.file.clone().into()) });
    }

    #[test]
    fn a_silent_dialog_gives_advice_once_and_only_while_the_window_has_the_focus() {
        let mut dialogs = Dialogs::new(silent, Arc::new(|| {}));
        assert!(!dialogs.advice_due(100.0, true) && dialogs.advice_in(0.0).is_none());
        dialogs.ask(Ask::OpenModel, &Suggestion::default(), 1.0);
        assert_eq!(dialogs.advice_in(2.0), Some(4.0));
        assert!(!dialogs.advice_due(5.9, true));
        assert!(!dialogs.advice_due(7.0, false), "the dialog has the focus: it is on screen");
        assert!(dialogs.advice_due(7.0, true) && !dialogs.advice_due(8.0, true));
    }

    #[test]
    fn an_answer_ends_the_waiting() {
        let mut dialogs = Dialogs::new(answers, Arc::new(|| {}));
        let suggestion = Suggestion { file: "a.json".into(), folder: None };
        dialogs.ask(Ask::SaveConfig { then_close: true }, &suggestion, 0.0);
        let answer = dialogs.poll().unwrap();
        assert_eq!(answer, Answer { ask: Ask::SaveConfig { then_close: true }, path: Some("a.json".into()) });
        assert!(dialogs.poll().is_none() && !dialogs.advice_due(100.0, true));
    }
}
