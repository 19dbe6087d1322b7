//! A label table: comma-separated values with quotes (RFC 4180), one picture a row.

/// Rows of cells; the first row is the header where there is one.
pub(super) fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted || cell.is_empty() => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' | '\r' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    row.push(cell);
    rows.push(row);
    // Blank lines (and the second half of each CRLF) are rows of one empty cell.
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_line_ends() {
        let text = "path,note\r\na.jpg,\"4 persons, \"\"soccer\"\"\"\r\n\r\nb.jpg,\n\"c\nd\",5\" x";
        let expected = [["path", "note"], ["a.jpg", "4 persons, \"soccer\""], ["b.jpg", ""], ["c\nd", "5\" x"]];
        assert_eq!(rows(text), expected.map(|r| r.map(str::to_owned).to_vec()));
        assert!(rows("").is_empty());
    }
}
