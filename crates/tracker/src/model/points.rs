//! Point scales (reference, section 2.5), and points as numbers.

use serde_json::{Number, Value};

/// The scales that everybody knows: linear, powers of two, Fibonacci.
pub const BUILT_IN: [&str; 3] = ["0,1,2,3", "0,1,2,4,8", "0,1,2,3,5,8"];
const MOST: usize = 12;

/// A project's point values, ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    values: Vec<f64>,
    /// As written: `0,1,2,3`.
    text: String,
}

impl Scale {
    /// Reads `0,1,2,3`. All that is wrong is told at once, joined by ", ".
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("Projects require a point scale.".into());
        }
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let values: Option<Vec<f64>> =
            parts.iter().map(|part| part.parse::<f64>().ok().filter(|value| value.is_finite())).collect();
        let mut problems = Vec::new();
        let Some(values) = values else { return Err("This is not a valid custom point scale.".into()) };
        if values.iter().any(|value| *value < 0.0) {
            problems.push("You can't use negative values for points.");
        }
        if values.windows(2).any(|pair| pair[1] < pair[0]) {
            problems.push("Point values must be provided in ascending order.");
        }
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            problems.push("You can't have duplicate point values.");
        }
        if values.len() > MOST {
            problems.push("There are too many values in this point scale. Please use 12 or fewer values.");
        }
        match problems.is_empty() {
            true => Ok(Self { text: values.iter().map(|value| show(*value)).collect::<Vec<_>>().join(","), values }),
            false => Err(problems.join(", ")),
        }
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Is it none of the three known ones?
    pub fn is_custom(&self) -> bool {
        !BUILT_IN.contains(&self.text.as_str())
    }

    /// Is `points` one of its values?
    pub fn contains(&self, points: f64) -> bool {
        self.values.contains(&points)
    }

    /// The value nearest to `points`; the smaller of two that are as near.
    pub fn nearest(&self, points: f64) -> f64 {
        let distance = |value: f64| (value - points).abs();
        self.values
            .iter()
            .copied()
            .reduce(|best, value| if distance(value) < distance(best) { value } else { best })
            .unwrap_or(points)
    }

    /// The scale that may follow this one, and whether estimates are to be mapped to it: from one known scale to another they
    /// are, to a custom one they are kept, and from a custom one there is no way back.
    pub fn change_to(&self, next: &Self) -> Result<bool, String> {
        match (self.is_custom(), next.is_custom()) {
            (true, false) => Err("A custom point scale cannot be changed back to a standard one.".into()),
            (false, false) => Ok(self != next),
            (_, true) => Ok(false),
        }
    }
}

/// `1` or `0.5`.
pub fn show(points: f64) -> String {
    if points.fract() == 0.0 { format!("{points:.0}") } else { points.to_string() }
}

/// As JSON: an integer where it is whole.
pub fn number(points: f64) -> Value {
    if points.fract() == 0.0 && points.abs() < 9e15 {
        return Value::from(points as i64);
    }
    Number::from_f64(points).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_together() {
        for (text, expected) in [
            ("", "Projects require a point scale."),
            ("a,b", "This is not a valid custom point scale."),
            ("1,,2", "This is not a valid custom point scale."),
            ("-1,0", "You can't use negative values for points."),
            ("2,1", "Point values must be provided in ascending order."),
            ("1,1", "You can't have duplicate point values."),
            ("3,1,1", "Point values must be provided in ascending order., You can't have duplicate point values."),
            (
                "0,1,2,3,4,5,6,7,8,9,10,11,12",
                "There are too many values in this point scale. Please use 12 or fewer values.",
            ),
        ] {
            assert_eq!(Scale::parse(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn scales_change() {
        let scale = |text| Scale::parse(text).unwrap();
        assert!(!scale("0, 1, 2, 3").is_custom());
        assert_eq!(scale("0,1,2,3").change_to(&scale("0,1,2,4,8")), Ok(true));
        assert_eq!(scale("0,1,2,3").change_to(&scale("0,0.5,1")), Ok(false));
        assert!(scale("0,0.5,1").change_to(&scale("0,1,2,3")).is_err());
        assert_eq!(scale("0,0.5,1").change_to(&scale("0,7")), Ok(false));
        assert_eq!(scale("0,1,2,4,8").nearest(3.0), 2.0);
        assert_eq!(scale("0,1,2,3,5,8").nearest(100.0), 8.0);
        assert_eq!(show(0.5), "0.5");
        assert_eq!(number(3.0), Value::from(3));
    }
}
