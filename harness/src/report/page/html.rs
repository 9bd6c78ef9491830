//! The text of a page. The template escapes whatever comes into it; what the script reads is escaped here.

use super::super::document::Whole;
use super::document::{Page, page};
use crate::host::text::is_shown;
use minijinja::{AutoEscape, Environment, context};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::LazyLock;

const NAME: &str = "page";
const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page of all that was reported.
pub(in super::super) fn render(whole: &Whole) -> String {
    let (page, data) = page(whole);
    // The template and the model are damonlab's own: what does not fit shows in every test.
    text(&page, &data).unwrap_or_else(|error| {
        format!("<!DOCTYPE html><title>damonlab</title><p>A bug of damonlab: {error}")
    })
}

/// The template, read once: a command may write several pages, and tests write thousands.
static TEMPLATES: LazyLock<Result<Environment<'static>, String>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_template(NAME, TEMPLATE).map_err(|error| format!("{error:#}"))?;
    Ok(environment)
});

fn text(page: &Page, data: &Value) -> Result<String, String> {
    let environment = TEMPLATES.as_ref().map_err(Clone::clone)?;
    let context = context! {
        page => page,
        style => STYLE,
        script => SCRIPT,
        data => script_data(data),
        script_digest => digest(SCRIPT),
    };
    let template = environment.get_template(NAME);
    template.and_then(|template| template.render(context)).map_err(|error| format!("{error:#}"))
}

/// JSON that stands in a `script` element: nothing in it ends the element, and a browser shows it as it is.
fn script_data(data: &Value) -> String {
    let json = data.to_string();
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // Such characters stand in strings only.
        if c == '<' || c == '>' || c == '&' || !is_shown(c) {
            // Writing to a String does not fail.
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| _ = write!(out, "\\u{unit:04x}"));
        } else {
            out.push(c);
        }
    }
    out
}

/// The digest by which the page's policy allows this script and no other.
fn digest(script: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digest = Sha256::digest(script.as_bytes());
    let mut out = "sha256-".to_owned();
    for bytes in digest.chunks(3) {
        let bits =
            bytes.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - bytes.len()));
        for nth in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * nth)) as usize % 64];
            out.push(if nth <= bytes.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_in_the_data_ends_its_element_and_it_reads_back() {
        let data = json!({"name": "</script><!-- \u{2028}\u{202e} & \"x\""});
        let text = script_data(&data);
        assert!(!text.contains(['<', '>', '&', '\u{2028}', '\u{202e}']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), data);
    }

    #[test]
    fn the_digest_is_base_64() {
        assert_eq!(digest(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
