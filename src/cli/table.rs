//! Tables for eyes: columns as wide as they need to be.

/// Columns a text takes: its characters, since cells hold labels, numbers and words.
fn width_of(cell: &str) -> usize {
    cell.chars().count()
}

/// Lines of a table with a head, two blanks between columns, none at the end.
pub(super) fn lines(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| width_of(cell)).max();
    let widths: Vec<usize> = (0..head.len()).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &&Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let fill = width.saturating_sub(width_of(cell));
            format!("{cell}{}", " ".repeat(fill))
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".to_owned(), "x".to_owned()], vec!["long".to_owned(), String::new()]];
        assert_eq!(super::lines(&["id", "state"], &rows), ["id    state", "a     x", "long"]);
    }
}
