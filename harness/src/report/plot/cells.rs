//! Cells of a screen as lines of text, with colours, in the characters that the terminal has.

use anstyle::{AnsiColor, Style};
use ratatui_core::buffer::Buffer;
use ratatui_core::style::Color;

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlotStyle {
    /// Its columns.
    pub width: u16,
    /// Whether it has braille and blocks; otherwise all is ASCII.
    pub unicode: bool,
}

/// The lines, without blanks at their ends.
pub(super) fn lines(buffer: &Buffer, style: PlotStyle) -> Vec<String> {
    let area = buffer.area;
    let row = |y: u16| {
        let (mut line, mut pending, mut colour) = (String::new(), String::new(), None);
        for x in area.left()..area.right() {
            let cell = &buffer[(x, y)];
            if cell.symbol() == " " {
                pending.push(' ');
                continue;
            }
            let own = colour_of(cell.fg);
            if own != colour {
                line.push_str(&switch(colour, own));
                colour = own;
            }
            line.push_str(&std::mem::take(&mut pending));
            line.extend(cell.symbol().chars().map(|c| if style.unicode { c } else { ascii(c) }));
        }
        line + &switch(colour, None)
    };
    (area.top()..area.bottom()).map(row).collect()
}

fn colour_of(colour: Color) -> Option<AnsiColor> {
    Some(match colour {
        Color::Red => AnsiColor::Red,
        Color::Green => AnsiColor::Green,
        Color::Yellow => AnsiColor::Yellow,
        Color::Blue => AnsiColor::Blue,
        Color::Magenta => AnsiColor::Magenta,
        Color::Cyan => AnsiColor::Cyan,
        _ => return None,
    })
}

/// What ends one colour and begins another.
fn switch(from: Option<AnsiColor>, to: Option<AnsiColor>) -> String {
    let plain = |colour: Option<AnsiColor>| colour.map_or_else(Style::new, AnsiColor::on_default);
    format!("{:#}{}", plain(from), plain(to))
}

/// The nearest character of ASCII.
pub(super) fn ascii(c: char) -> char {
    match c {
        c if c.is_ascii() => c,
        '│' => '|',
        '─' => '-',
        '└' | '┌' | '┐' | '┘' | '┼' => '+',
        '•' => '*',
        '░' => '.',
        '▒' => '+',
        '▓' => '*',
        _ => '#',
    }
}
