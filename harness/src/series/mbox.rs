//! Splits an mbox into its mails.

/// The mails of an mbox. Any other text is one mail.
pub fn mails(bytes: &[u8]) -> Vec<Vec<u8>> {
    if !is_from_line(bytes.split(|byte| *byte == b'\n').next().unwrap_or_default()) {
        return vec![bytes.to_vec()];
    }
    let mut mails: Vec<Vec<u8>> = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if is_from_line(line) {
            mails.push(Vec::new());
        } else if let Some(mail) = mails.last_mut() {
            mail.extend(unquoted(line));
        }
    }
    mails
}

/// Whether `line` separates two mails, `From SENDER ... 12:34:56 2026`, by git's rule: the text of a mail may have a line
/// that begins with "From ".
fn is_from_line(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    let text = String::from_utf8_lossy(rest);
    let mut fields = text.split_whitespace().skip_while(|field| !is_time(field)).skip(1);
    // A time zone may stand between the time and the year.
    fields.any(|field| field.parse::<u16>().is_ok_and(|year| (1970..=9999).contains(&year)))
}

fn is_time(field: &str) -> bool {
    let mut parts = field.split(':');
    let two = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.clone().count() >= 2 && parts.all(two)
}

/// mboxrd quotes a line of a mail that begins with "From ", after any number of `>`, by one more `>`.
fn unquoted(line: &[u8]) -> &[u8] {
    let marks = line.iter().take_while(|byte| **byte == b'>').count();
    if marks > 0 && line[marks..].starts_with(b"From ") { &line[1..] } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM_LINE: &str = "From 0123abc Mon Sep 17 00:00:00 2001\n";

    #[test]
    fn an_mbox_is_split_at_its_from_lines_only() {
        let text = format!("{FROM_LINE}Subject: a\n\nFrom now on all is well.\n{FROM_LINE}Subject: b\n\nx\n");
        let mails = mails(text.as_bytes());
        assert_eq!(
            mails,
            [b"Subject: a\n\nFrom now on all is well.\n".to_vec(), b"Subject: b\n\nx\n".to_vec()]
        );
    }

    #[test]
    fn quoted_lines_lose_one_quote() {
        let text = format!("{FROM_LINE}S: a\n\n>From x\n>>From y\n> From z\n");
        assert_eq!(mails(text.as_bytes()), [b"S: a\n\nFrom x\n>From y\n> From z\n".to_vec()]);
    }

    #[test]
    fn a_text_that_is_not_an_mbox_is_one_mail() {
        assert_eq!(mails(b"Subject: a\n\nFrom a Mon Sep 17 00:00:00 2001\n").len(), 1);
    }
}
