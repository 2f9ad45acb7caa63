//! How people are written.

/// Initials of a name: `AL` of Ada Lovelace, `AD` of Ada; at most four.
pub fn initials(name: &str) -> String {
    let words: Vec<&str> = name.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let letters: String = match words.as_slice() {
        [one] => one.chars().take(2).collect(),
        more => more.iter().filter_map(|word| word.chars().next()).take(4).collect(),
    };
    letters.to_uppercase()
}

#[cfg(test)]
mod tests {
    #[test]
    fn initials() {
        for (name, expected) in [("Ada Lovelace", "AL"), ("ada", "AD"), ("", ""), ("jean-luc picard", "JLP")] {
            assert_eq!(super::initials(name), expected);
        }
    }
}
