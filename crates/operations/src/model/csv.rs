//! Lines of comma-separated values (RFC 4180).

/// Appends a line of `cells` to `out`.
///
/// A cell that a spreadsheet would run as a formula gets an apostrophe before it, which spreadsheets take for "this is text":
/// names in the ledger are whatever somebody typed.
pub fn line<'c>(out: &mut String, cells: impl IntoIterator<Item = &'c str>) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if !formula && !cell.contains(['"', ',', '\n', '\r']) {
            out.push_str(cell);
            continue;
        }
        out.push('"');
        if formula {
            out.push('\'');
        }
        out.push_str(&cell.replace('"', "\"\""));
        out.push('"');
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let mut out = String::new();
        line(&mut out, ["plain", "a,b", "say \"hi\"", "two\nlines", ""]);
        line(&mut out, ["=1+1", "+49", "-", "@x", "'"]);
        assert_eq!(out, "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\r\n\"'=1+1\",\"'+49\",\"'-\",\"'@x\",'\r\n");
    }
}
