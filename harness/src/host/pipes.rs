//! The pipes of a child program, read and written without ever waiting long for it.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

/// What a pipe takes without blocking, once it takes anything (`PIPE_BUF`).
const PIECE: usize = 4096;

/// Which stream a piece of output comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// Standard output, or both streams in their order.
    Out,
    /// Standard error.
    Err,
}

/// How the streams of a program are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Each by itself.
    Apart,
    /// Both through one pipe, in the order in which they are written.
    InOrder,
}

/// The pipes of a running program, on this side.
#[derive(Debug)]
pub(super) struct Pipes<'i> {
    outputs: Vec<(Stream, File)>,
    input: Option<(ChildStdin, &'i [u8])>,
    buffer: Vec<u8>,
}

/// Pipes that the command has and this process reads.
#[derive(Debug)]
pub(super) struct Prepared<'i> {
    joint: Option<io::PipeReader>,
    input: &'i [u8],
}

impl<'i> Prepared<'i> {
    /// Gives `command` its pipes. Without `input` it reads nothing.
    pub(super) fn of(command: &mut Command, input: &'i [u8], reading: Reading) -> io::Result<Prepared<'i>> {
        command.stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() });
        let joint = match reading {
            Reading::Apart => {
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                None
            }
            Reading::InOrder => {
                let (from, to) = io::pipe()?;
                command.stdout(to.try_clone()?).stderr(to);
                Some(from)
            }
        };
        Ok(Prepared { joint, input })
    }

    /// Takes the pipes of the process that `command` started.
    pub(super) fn take(self, command: &mut Command, child: &mut Child) -> Pipes<'i> {
        // `command` has the writing end of a joint pipe until it gets another: the reader would wait for ever.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let pipe = |stream, end: Option<OwnedFd>| Some((stream, File::from(end?)));
        let outputs = [
            pipe(Stream::Out, self.joint.map(OwnedFd::from)),
            pipe(Stream::Out, child.stdout.take().map(OwnedFd::from)),
            pipe(Stream::Err, child.stderr.take().map(OwnedFd::from)),
        ];
        let outputs = outputs.into_iter().flatten().collect();
        let input = child.stdin.take().map(|stdin| (stdin, self.input));
        Pipes { outputs, input, buffer: vec![0; 64 << 10] }
    }
}

impl Pipes<'_> {
    /// Whether the program, or another that it started, may still print.
    pub(super) fn are_open(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// Waits for output for `limit` at most, and hands it to `take`. Returns the number of bytes.
    pub(super) fn step(
        &mut self,
        limit: Duration,
        mut take: impl FnMut(Stream, &[u8]) -> io::Result<()>,
    ) -> io::Result<u64> {
        let (ready, writable) = self.ready(limit)?;
        if writable {
            self.write();
        }
        let mut count = 0;
        let mut ended = Vec::new();
        for at in ready {
            let (stream, pipe) = &mut self.outputs[at];
            match pipe.read(&mut self.buffer)? {
                0 => ended.push(at),
                read => {
                    take(*stream, &self.buffer[..read])?;
                    count += read as u64;
                }
            }
        }
        ended.into_iter().rev().for_each(|at| drop(self.outputs.remove(at)));
        Ok(count)
    }

    /// The outputs that can be read, and whether the input can be written.
    fn ready(&self, limit: Duration) -> io::Result<(Vec<usize>, bool)> {
        let mut fds: Vec<PollFd<'_>> =
            self.outputs.iter().map(|(_, pipe)| PollFd::new(pipe.as_fd(), PollFlags::POLLIN)).collect();
        fds.extend(self.input.iter().map(|(pipe, _)| PollFd::new(pipe.as_fd(), PollFlags::POLLOUT)));
        let timeout = PollTimeout::try_from(limit).unwrap_or(PollTimeout::ZERO);
        match poll(&mut fds, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let is_ready = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        let (outputs, input) = fds.split_at(self.outputs.len());
        let ready = outputs.iter().enumerate().filter(|(_, fd)| is_ready(fd)).map(|(at, _)| at).collect();
        Ok((ready, input.iter().any(is_ready)))
    }

    /// Writes a piece of the input, and closes the pipe behind the last one. A program that reads no more is no error: its
    /// exit status says whether it needed the rest.
    fn write(&mut self) {
        if let Some((pipe, rest)) = &mut self.input {
            let written = match pipe.write(&rest[..rest.len().min(PIECE)]) {
                Ok(written) => written,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => 0,
                Err(_) => rest.len(),
            };
            *rest = &rest[written..];
            if rest.is_empty() {
                self.input = None;
            }
        }
    }
}
