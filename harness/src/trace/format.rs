//! The `format` files of a kernel's events: which events it has, their fields and their text.

use crate::host::text::foreign;

/// One event as its kernel describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFormat {
    /// The event's name.
    pub name: String,
    /// Its own fields, in order; the `common_` ones are left out.
    pub fields: Vec<FormatField>,
    /// What follows `print fmt: `: the format and its arguments.
    pub print: String,
}

/// One `field:` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatField {
    /// Its C declaration, `unsigned long esz`.
    pub declaration: String,
    /// Its name.
    pub name: String,
    /// Its bytes in the record; of a `__data_loc`, those of the pointer.
    pub size: u32,
    /// Whether it has a sign.
    pub signed: bool,
}

/// A line of the formats that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number} of the event formats: {wanted} was expected, not '{}'", foreign(.text))]
pub struct FormatError {
    /// The line's number, from 1.
    pub number: u32,
    /// What should be there.
    pub wanted: &'static str,
    /// What is there.
    pub text: String,
}

/// Reads `format` files, one after the other.
pub fn formats(text: &str) -> Result<Vec<EventFormat>, FormatError> {
    let mut events: Vec<EventFormat> = Vec::new();
    for (number, line) in (1u32..).zip(text.lines()) {
        let wrong = |wanted| FormatError { number, wanted, text: line.to_owned() };
        let word = line.trim();
        if let Some(name) = word.strip_prefix("name: ") {
            events.push(EventFormat { name: name.to_owned(), fields: Vec::new(), print: String::new() });
            continue;
        }
        if word.is_empty() || word == "format:" || word.starts_with("ID:") {
            continue;
        }
        let event = events.last_mut().ok_or_else(|| wrong("'name: '"))?;
        if let Some(print) = word.strip_prefix("print fmt: ") {
            event.print = print.to_owned();
        } else if let Some(rest) = word.strip_prefix("field:") {
            let field =
                field(rest).ok_or_else(|| wrong("'field:declaration; offset:n; size:n; signed:n;'"))?;
            if !field.name.starts_with("common_") {
                event.fields.push(field);
            }
        } else {
            return Err(wrong("'field:', 'print fmt: ' or 'name: '"));
        }
    }
    Ok(events)
}

fn field(text: &str) -> Option<FormatField> {
    let mut parts = text.split(';').map(str::trim);
    let declaration = parts.next()?.to_owned();
    let name = declaration.rsplit([' ', '\t', '*']).next()?;
    let name = name.split('[').next().filter(|name| !name.is_empty())?.to_owned();
    let (mut size, mut signed) = (None, None);
    for part in parts {
        match part.split_once(':') {
            Some(("size", value)) => size = value.parse().ok(),
            Some(("signed", value)) => signed = Some(value == "1"),
            _ => {}
        }
    }
    Some(FormatField { declaration, name, size: size?, signed: signed? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name: damos_esz
ID: 512
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:unsigned int context_idx;\toffset:8;\tsize:4;\tsigned:0;
\tfield:unsigned long esz;\toffset:16;\tsize:8;\tsigned:0;

print fmt: \"ctx_idx=%u esz=%lu\", REC->context_idx, REC->esz
name: other
format:
\tfield:__data_loc unsigned char[] probe_hits;\toffset:8;\tsize:4;\tsigned:0;
\tfield:char comm[16];\toffset:12;\tsize:16;\tsigned:0;

print fmt: \"%s\", REC->comm
";

    #[test]
    fn formats_give_the_events_with_their_own_fields() {
        let events = formats(TEXT).unwrap();
        let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names, ["damos_esz", "other"]);
        let fields: Vec<_> = events.iter().flat_map(|event| &event.fields).map(|f| f.name.as_str()).collect();
        assert_eq!(fields, ["context_idx", "esz", "probe_hits", "comm"]);
        assert_eq!(events[0].fields[1].size, 8);
        assert_eq!(events[0].print, "\"ctx_idx=%u esz=%lu\", REC->context_idx, REC->esz");
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named() {
        let error = formats("name: x\nformat:\n\tfield:int a;\n").unwrap_err();
        assert_eq!(error.number, 3);
        assert_eq!(formats("print fmt: x").unwrap_err().number, 1);
    }
}
