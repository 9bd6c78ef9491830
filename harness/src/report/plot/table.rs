//! Rows in columns.

/// The rows below their heads, numbers to the right. What is left out in the middle, where there are more than `most` rows, is
/// counted.
pub(in crate::report) fn table(heads: &[&str], rows: &[Vec<String>], most: Option<usize>) -> String {
    let most = most.unwrap_or(rows.len()).max(2);
    let (first, last) = match rows.len() > most {
        true => (&rows[..most / 2], &rows[rows.len() - most.div_ceil(2)..]),
        false => (rows, &rows[..0]),
    };
    let shown = || first.iter().chain(last);
    let width = |column: usize| {
        let cells = shown().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(heads.get(column).map(|head| head.chars().count())).max().unwrap_or(0)
    };
    let is_number = |column: usize| {
        let of =
            |cell: &String| cell.is_empty() || cell.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        shown().filter_map(|row| row.get(column)).all(of)
    };
    let columns: Vec<(usize, bool)> =
        (0..heads.len()).map(|column| (width(column), is_number(column))).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells = cells.zip(&columns).map(|(cell, (width, right))| match right {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(&mut heads.iter().copied());
    text.extend(first.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    if !last.is_empty() {
        text.push_str(&format!("  ... ({} more)\n", rows.len() - first.len() - last.len()));
    }
    text.extend(last.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    text
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn numbers_stand_to_the_right_and_the_middle_is_left_out() {
        let rows: Vec<Vec<String>> =
            (8..=12).map(|n| vec![n.to_string(), format!("row {n}"), format!("{n} MiB")]).collect();
        let wanted = "   n  what       size\n   8  row 8     8 MiB\n  ... (3 more)\n  12  row 12   12 MiB\n";
        assert_eq!(
            table(&["n", "what", "size"], &rows, Some(2)),
            wanted
                .replace("row 12   12", "row 12  12")
                .replace("what       size", "what      size")
                .replace("row 8     8", "row 8    8")
        );
        assert_eq!(table(&["n", "what", "size"], &rows, None).lines().count(), 6);
    }
}
