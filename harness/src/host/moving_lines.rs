//! Where moving lines are drawn. A terminal that cannot be written, because it was closed, draws nothing: indicatif panics
//! on an error of its terminal.

use console::Term;
use indicatif::{ProgressDrawTarget, TermLike};
use std::io;

/// Where moving lines go: to standard error, if that is a terminal.
pub(super) fn draw_target() -> ProgressDrawTarget {
    let terminal = Term::stderr();
    match terminal.features().is_attended() {
        true => ProgressDrawTarget::term_like_with_hz(Box::new(Tolerant(terminal)), 20),
        false => ProgressDrawTarget::hidden(),
    }
}

/// A terminal whose errors are ignored.
#[derive(Debug)]
struct Tolerant<T>(T);

impl<T> Tolerant<T> {
    fn draw(&self, draw: impl FnOnce(&T) -> io::Result<()>) -> io::Result<()> {
        let _ = draw(&self.0);
        Ok(())
    }
}

impl<T: TermLike> TermLike for Tolerant<T> {
    fn width(&self) -> u16 {
        self.0.width()
    }

    fn height(&self) -> u16 {
        self.0.height()
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_up(lines))
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_down(lines))
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_right(columns))
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_left(columns))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.draw(|terminal| terminal.write_line(text))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(|terminal| terminal.write_str(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw(TermLike::clear_line)
    }

    fn flush(&self) -> io::Result<()> {
        self.draw(TermLike::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::{MultiProgress, ProgressBar};

    /// A terminal that was closed.
    #[derive(Debug)]
    struct Closed;

    fn gone() -> io::Result<()> {
        Err(io::Error::from_raw_os_error(5))
    }

    impl TermLike for Closed {
        fn width(&self) -> u16 {
            80
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            gone()
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            gone()
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            gone()
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            gone()
        }

        fn write_line(&self, _: &str) -> io::Result<()> {
            gone()
        }

        fn write_str(&self, _: &str) -> io::Result<()> {
            gone()
        }

        fn clear_line(&self) -> io::Result<()> {
            gone()
        }

        fn flush(&self) -> io::Result<()> {
            gone()
        }
    }

    #[test]
    fn a_closed_terminal_is_drawn_on_without_a_panic() {
        let target = ProgressDrawTarget::term_like(Box::new(Tolerant(Closed)));
        let lines = MultiProgress::with_draw_target(target);
        let bar = lines.add(ProgressBar::new(2));
        bar.inc(1);
        bar.tick();
        assert_eq!(lines.suspend(|| 7), 7);
        bar.finish_and_clear();
        lines.remove(&bar);
    }
}
