//! Numbers as text.

/// A number in decimal. Without the machinery of `format!`, which would be a good part of a request's cost.
pub(crate) struct Digits {
    text: [u8; 20],
    from: usize,
}

impl Digits {
    pub(crate) fn of(mut value: u64) -> Self {
        let (mut text, mut from) = ([b'0'; 20], 20);
        loop {
            from -= 1;
            text[from] += (value % 10) as u8;
            value /= 10;
            if value == 0 {
                return Self { text, from };
            }
        }
    }

    /// At least `width` digits, noughts in front; at most 20.
    pub(crate) fn padded(value: u64, width: usize) -> Self {
        let digits = Self::of(value);
        Self { from: digits.from.min(20 - width), ..digits }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text[self.from..]
    }
}

#[cfg(test)]
mod tests {
    use super::Digits;

    #[test]
    fn numbers_are_written_as_people_do() {
        for (value, width, wanted) in
            [(0, 1, "0"), (7, 3, "007"), (1234, 2, "1234"), (u64::MAX, 1, "18446744073709551615")]
        {
            assert_eq!(Digits::padded(value, width).as_bytes(), wanted.as_bytes());
        }
    }
}
