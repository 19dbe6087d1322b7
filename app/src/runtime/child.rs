//! Runs another program with a time limit and a way to stop it, and keeps what it said.
//!
//! Tricky: output goes to unnamed files, not to pipes. A killed `python3` may be a wrapper whose own child lives on and
//! holds the pipe's other end; a thread that reads to the end of such a pipe would never come back.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use quantlens_analysis::job::CancelToken;

/// How often the child and the token are looked at: well inside the 200 ms that Cancel may take.
const POLL: Duration = Duration::from_millis(25);

/// Of each stream the last so many bytes are kept; pip's reason stands at the end.
const KEEP_BYTES: u64 = 64 * 1024;

/// A program that ran to its end.
#[derive(Debug)]
pub(super) struct Finished {
    /// Whether it ended with code 0.
    pub(super) success: bool,
    /// The end of its standard output.
    pub(super) stdout: String,
    /// The end of its standard error.
    pub(super) stderr: String,
}

/// A program that did not run to its end.
#[derive(Debug)]
pub(super) enum Stopped {
    /// There is no such program, or the system refused to start it.
    NotStarted(io::Error),
    /// It did not end in time and was killed.
    TimedOut(Duration),
    /// The user cancelled; it was killed.
    Cancelled,
}

/// Runs `command` to its end with no standard input, calling `tick` about every 25 ms.
///
/// # Errors
/// [`Stopped`] when it could not be started, ran longer than `limit`, or `cancel` was cancelled.
pub(super) fn run(
    command: &mut Command,
    limit: Duration,
    cancel: &CancelToken,
    tick: &mut dyn FnMut(),
) -> Result<Finished, Stopped> {
    if cancel.is_cancelled() {
        return Err(Stopped::Cancelled);
    }
    let (mut child, mut stdout, mut stderr) = start(command).map_err(Stopped::NotStarted)?;
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                return Ok(Finished {
                    success: status.success(),
                    stdout: ending(&mut stdout),
                    stderr: ending(&mut stderr),
                });
            }
            Ok(None) => {}
            Err(error) => {
                kill(&mut child);
                return Err(Stopped::NotStarted(error));
            }
        }
        if cancel.is_cancelled() {
            kill(&mut child);
            return Err(Stopped::Cancelled);
        }
        if started.elapsed() > limit {
            kill(&mut child);
            return Err(Stopped::TimedOut(limit));
        }
        tick();
        thread::sleep(POLL);
    }
}

/// Starts `command`; its two output streams are the returned files.
fn start(command: &mut Command) -> io::Result<(Child, File, File)> {
    let stdout = tempfile::tempfile()?;
    let stderr = tempfile::tempfile()?;
    command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    no_console(command);
    Ok((command.spawn()?, stdout, stderr))
}

/// Keeps Windows from opening a console window for a child of a program that has none.
#[cfg(windows)]
fn no_console(command: &mut Command) {
    use std::os::windows::process::CommandExt as _;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

/// Only Windows opens consoles.
#[cfg(not(windows))]
fn no_console(_: &mut Command) {}

/// Kills and reaps. Both fail only for a child that has already ended, which is what is wanted.
fn kill(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// The last [`KEEP_BYTES`] of what was written; empty when the file cannot be read back, since it is only quoted.
fn ending(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let length = file.seek(SeekFrom::End(0)).unwrap_or(0);
    let read = file
        .seek(SeekFrom::Start(length.saturating_sub(KEEP_BYTES)))
        .and_then(|_| file.take(KEEP_BYTES).read_to_end(&mut bytes));
    if read.is_err() {
        bytes.clear();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn keeps_both_streams_and_the_code() {
        let done = run(&mut shell("echo out; echo err >&2; exit 3"), LONG, &CancelToken::new(), &mut || ()).unwrap();
        assert!(!done.success);
        assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn keeps_the_end_of_long_output() {
        // 20 000 lines of 10 bytes = 200 000 bytes, of which the last 65 536 are kept.
        let script = "i=0; while [ $i -lt 20000 ]; do echo 123456789; i=$((i+1)); done; echo last";
        let done = run(&mut shell(script), LONG, &CancelToken::new(), &mut || ()).unwrap();
        assert_eq!(done.stdout.len(), 65_536);
        assert!(done.stdout.ends_with("9\nlast\n"));
    }

    #[test]
    fn standard_input_is_empty() {
        let done = run(&mut shell("cat; echo end"), LONG, &CancelToken::new(), &mut || ()).unwrap();
        assert_eq!(done.stdout, "end\n");
    }

    #[test]
    fn a_missing_program_is_not_started() {
        let stopped = run(&mut Command::new("/no/such/program"), LONG, &CancelToken::new(), &mut || ()).unwrap_err();
        assert!(matches!(&stopped, Stopped::NotStarted(e) if e.kind() == io::ErrorKind::NotFound), "{stopped:?}");
    }

    #[test]
    fn a_hanging_program_is_killed_even_if_its_own_child_keeps_the_streams_open() {
        let started = Instant::now();
        let limit = Duration::from_millis(200);
        // The background sleep inherits both streams and outlives the shell.
        let stopped = run(&mut shell("sleep 20 & sleep 20"), limit, &CancelToken::new(), &mut || ()).unwrap_err();
        assert!(matches!(stopped, Stopped::TimedOut(l) if l == limit), "{stopped:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
    }

    #[test]
    fn cancel_takes_effect_within_200_ms() {
        let cancel = CancelToken::new();
        let mut cancelled_at = None;
        let stopped = {
            let token = cancel.clone();
            run(&mut shell("exec sleep 20"), LONG, &cancel, &mut || {
                cancelled_at.get_or_insert_with(|| {
                    token.cancel();
                    Instant::now()
                });
            })
        };
        assert!(matches!(stopped, Err(Stopped::Cancelled)), "{stopped:?}");
        assert!(cancelled_at.unwrap().elapsed() < Duration::from_millis(200));
        let again = run(&mut shell("echo"), LONG, &cancel, &mut || ());
        assert!(matches!(again, Err(Stopped::Cancelled)), "a cancelled token starts nothing: {again:?}");
    }
}
