//! Amounts of memory and processor time as manifests write them: `256Mi`, `0.5`, `100m`.

use std::cmp::Ordering;

/// An amount. Printed as written, compared by value.
#[derive(Debug, Clone)]
pub struct Quantity {
    text: String,
    value: f64,
}

const SUFFIXES: [(&str, f64); 17] = [
    ("", 1.0),
    ("E", 1e18),
    ("P", 1e15),
    ("T", 1e12),
    ("G", 1e9),
    ("M", 1e6),
    ("k", 1e3),
    ("m", 1e-3),
    ("u", 1e-6),
    ("n", 1e-9),
    ("p", 1e-12),
    ("Ei", 1_152_921_504_606_846_976.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ti", 1_099_511_627_776.0),
    ("Gi", 1_073_741_824.0),
    ("Mi", 1_048_576.0),
    ("Ki", 1024.0),
];

impl Quantity {
    /// Digits, perhaps a fraction, then one suffix.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits = |text: &str| text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let mut end = digits(text);
        if text[end..].starts_with('.') {
            let fraction = digits(&text[end + 1..]);
            end = if fraction == 0 { 0 } else { end + 1 + fraction };
        }
        if end == 0 || text.starts_with('.') {
            return Err(format!("invalid quantity format: {text}, use \"<number><suffix>\", such as 256Mi or 0.5"));
        }
        let (number, suffix) = text.split_at(end);
        let Some((_, factor)) = SUFFIXES.iter().find(|(known, _)| *known == suffix) else {
            let known: Vec<&str> = SUFFIXES.iter().skip(1).map(|(known, _)| *known).collect();
            return Err(format!("invalid suffix: {suffix}, use one of {}", known.join(" ")));
        };
        let number: f64 = number.parse().map_err(|_| format!("invalid quantity format: {text}"))?;
        Ok(Self { text: text.to_owned(), value: number * factor })
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// In bytes, or in cores.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// In whole bytes.
    pub fn bytes(&self) -> u64 {
        // A float beyond u64 becomes u64::MAX, which every limit refuses.
        self.value as u64
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    #[test]
    fn amounts_are_read_and_compared_by_value() {
        let read = |text: &str| Quantity::parse(text).map(|quantity| quantity.value());
        for (text, value) in [
            ("128974848", 128_974_848.0),
            ("129M", 129e6),
            ("123Mi", 128_974_848.0),
            ("0.129G", 129e6),
            ("100m", 0.1),
            ("0", 0.0),
        ] {
            assert_eq!(read(text), Ok(value), "{text}");
        }
        for bad in ["", "M", ".5", "1.", "1.M", "-1", "1e3", "1 M", "1GB"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read("1GB").unwrap_err().starts_with("invalid suffix: GB"));
        assert!(Quantity::parse("1Gi").unwrap() > Quantity::parse("1G").unwrap());
        assert_eq!(Quantity::parse("1024Mi").unwrap(), Quantity::parse("1Gi").unwrap());
    }
}
