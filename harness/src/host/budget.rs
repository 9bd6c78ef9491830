//! How much memory may still be taken for what is read: a file of a guest or a stranger decides its length, not how much
//! of this host it takes.

use damonlab_protocol::units::Bytes;
use std::io;

/// A budget of memory.
#[derive(Debug)]
pub struct Budget {
    all: Bytes,
    left: u64,
}

impl Budget {
    /// A budget of `all` bytes.
    pub fn new(all: Bytes) -> Budget {
        Budget { all, left: all.0 }
    }

    /// Takes `bytes` of it.
    ///
    /// # Errors
    /// [`io::ErrorKind::FileTooLarge`] if not so much is left.
    pub fn take(&mut self, bytes: u64) -> io::Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let text = format!("it would take more than {} of memory", self.all);
                Err(io::Error::new(io::ErrorKind::FileTooLarge, text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_ends_exactly_where_it_is_used_up() {
        let mut budget = Budget::new(Bytes::MIB);
        budget.take(1 << 19).unwrap();
        budget.take(1 << 19).unwrap();
        let error = budget.take(1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "it would take more than 1 MiB of memory");
        budget.take(0).unwrap();
    }
}
