//! Headers whose encoded words (`=?utf-8?q?...?=`, RFC 2047) cannot be decoded in reasonable time: the decoder looks for the
//! end of each word in all the text after it.

/// How many encoded words, times the bytes of their headers, are decoded. A word has at most 75 bytes (RFC 2047, section 2), so
/// this is enough for 17 KB of them in a row.
const MOST: usize = 1 << 22;

/// How many encoded words the first section of headers with too many of them has.
pub(super) fn too_many(mail: &[u8]) -> Option<usize> {
    let (mut inside, mut bytes, mut words) = (true, 0usize, 0usize);
    for line in mail.split(|byte| *byte == b'\n') {
        // A line of blanks continues a header; only an empty one ends them. A part of a mail begins after a boundary.
        let is_blank = matches!(line, b"" | b"\r");
        if is_blank || line.starts_with(b"--") {
            (inside, bytes, words) = (!is_blank, 0, 0);
        } else if inside {
            bytes += line.len();
            words += line.windows(2).filter(|pair| *pair == b"=?").count();
            if words.saturating_mul(bytes) > MOST {
                return Some(words);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_other_alphabets_are_few_enough() {
        let recipients = "To: =?utf-8?b?5bC55bC55bC55bC5?= <a@b>,\n ".repeat(200);
        assert_eq!(too_many(recipients.as_bytes()), None);
    }

    #[test]
    fn a_subject_of_nothing_but_beginnings_of_words_is_too_much() {
        let subject = format!("From: a\nSubject: {}\n\ntext", "=?utf-8?q?=5".repeat(5_000));
        assert!(too_many(subject.as_bytes()).is_some());
    }

    #[test]
    fn what_is_no_header_may_have_any_number_of_them() {
        let body = format!("From: a\n\n{}", "=?utf-8?q?=5".repeat(100_000));
        assert_eq!(too_many(body.as_bytes()), None);
    }

    #[test]
    fn a_line_of_blanks_does_not_end_the_headers() {
        let subject = format!("From: a\n \nSubject: {}\n\ntext", "=?utf-8?q?=5".repeat(5_000));
        assert!(too_many(subject.as_bytes()).is_some());
    }

    #[test]
    fn the_headers_of_a_part_are_headers() {
        let part = format!("From: a\n\n--x\nContent-Type: {}\n", "=?utf-8?q?=5".repeat(5_000));
        assert!(too_many(part.as_bytes()).is_some());
    }
}
