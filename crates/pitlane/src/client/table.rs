//! Columns for people: aligned by what is seen, not by bytes, and fitted to the terminal.
//!
//! A cell is one line: whatever control characters others put into it are gone. Only the last column is wrapped, under itself, so
//! that addresses and names can be copied whole.

use unicode_width::UnicodeWidthChar;

/// A last column narrower than this is left to the terminal.
const NARROWEST: usize = 24;

/// The lines of a table; `width` is the terminal's, if there is one.
pub(crate) fn lines(rows: &[Vec<String>], width: Option<usize>) -> Vec<String> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.saturating_sub(1))
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| seen(cell)).max().unwrap_or(0))
        .collect();
    let before: usize = widths.iter().map(|width| width + 2).sum();
    let room = width.and_then(|width| width.checked_sub(before)).filter(|room| *room >= NARROWEST);
    let mut all = Vec::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width + 2 - seen(cell)));
        }
        let last = row.get(widths.len()).map(String::as_str).unwrap_or_default();
        let mut parts = wrap(last, room.unwrap_or(usize::MAX)).into_iter();
        line.push_str(&parts.next().unwrap_or_default());
        all.push(line.trim_end().to_owned());
        all.extend(parts.map(|part| format!("{}{part}", " ".repeat(before))));
    }
    all
}

/// Columns that a text takes on a terminal; our colours take none.
fn seen(text: &str) -> usize {
    let mut coloured = false;
    text.chars()
        .map(|letter| match letter {
            '\x1b' => {
                coloured = true;
                0
            }
            'm' if coloured => {
                coloured = false;
                0
            }
            _ if coloured => 0,
            other => other.width().unwrap_or(0),
        })
        .sum()
}

/// Without line ends and other control characters; colours (ours look like `ESC [ digits m`) stay.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        if letter == '\x1b' {
            let colour = rest.as_str().strip_prefix('[').and_then(|after| {
                let (digits, _) = after.split_once('m')?;
                (digits.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits.len() + 2)
            });
            if let Some(length) = colour {
                out.push(letter);
                out.extend(rest.by_ref().take(length));
            }
        } else if letter.is_control() {
            out.push(' ');
        } else {
            out.push(letter);
        }
    }
    out
}

/// Broken at blanks; a word that is too long stays whole.
fn wrap(text: &str, room: usize) -> Vec<String> {
    if seen(text) <= room {
        return vec![text.to_owned()];
    }
    let mut all: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match all.last_mut() {
            Some(line) if seen(line) + 1 + seen(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => all.push(word.to_owned()),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::lines;

    fn table(rows: &[&[&str]], width: Option<usize>) -> String {
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        lines(&rows, width).join("\n")
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let rows: &[&[&str]] = &[&["\x1b[2mname\x1b[0m", "what"], &["größe 日", "a\nb\x1b[31;1mx\x1b]0;t\x07"]];
        assert_eq!(table(rows, None), "\x1b[2mname\x1b[0m      what\ngröße 日  a b[31;1mx]0;t");
    }

    #[test]
    fn only_the_last_column_is_wrapped_and_only_where_there_is_room() {
        let rows: &[&[&str]] = &[&["a", "b"], &["1", "one two three four five six seven"]];
        assert_eq!(table(rows, Some(30)), "a  b\n1  one two three four five six\n   seven");
        assert_eq!(table(rows, Some(20)), "a  b\n1  one two three four five six seven");
        let url: &[&[&str]] = &[&["1", "http://a.very.long.address.example.org/path x"]];
        assert_eq!(table(url, Some(30)), "1  http://a.very.long.address.example.org/path\n   x");
    }
}
