//! Dates in searches, in the searcher's time zone.

use crate::model::time;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

const UNKNOWN: &str = "The date you requested could not be parsed. See FAQ for valid formats.";
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Begin and end (microseconds) of a date, of hours ago until now, or of a range of two dates.
pub(super) fn read(text: &str, zone: &TimeZone, now: i64) -> Result<(i64, i64), String> {
    let read = |text: &str| one(text.trim(), zone, now).ok_or_else(|| UNKNOWN.to_owned());
    match text.split_once("..") {
        None => read(text),
        Some((from, until)) => Ok((read(from)?.0, read(until)?.1)),
    }
}

fn one(text: &str, zone: &TimeZone, now: i64) -> Option<(i64, i64)> {
    let today = time::date(now, zone);
    let day = |date: Date| Some((time::midnight(date, zone), time::midnight(date.checked_add(1.day()).ok()?, zone)));
    match text.to_lowercase().as_str() {
        "today" => return day(today),
        "yesterday" => return day(today.checked_sub(1.day()).ok()?),
        _ => {}
    }
    if let Some(ago) = text.strip_prefix('-') {
        let digits = ago.find(|char: char| !char.is_ascii_digit()).unwrap_or(ago.len());
        let count: i64 = ago[..digits].parse().ok().filter(|count| *count < 100_000)?;
        return match ago[digits..].trim() {
            "h" | "hour" | "hours" => Some((now - count * 3600 * time::SECOND, now)),
            "d" | "day" | "days" => day(today.checked_sub(Span::new().days(count)).ok()?),
            "w" | "week" | "weeks" => day(today.checked_sub(Span::new().weeks(count)).ok()?),
            "m" | "month" | "months" => day(today.checked_sub(Span::new().months(count.min(12_000))).ok()?),
            _ => None,
        };
    }
    day(date(text)?)
}

/// `2024-05-01`, `5/1/2024`, `May 1, 2024`; the year has four digits.
fn date(text: &str) -> Option<Date> {
    let build = |year: &str, month: &str, day: &str| {
        (year.len() == 4).then_some(())?;
        Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
    };
    for (separator, american) in [('-', false), ('/', true)] {
        let parts: Vec<&str> = text.split(separator).collect();
        if let [first, second, third] = parts[..] {
            return if american { build(third, first, second) } else { build(first, second, third) };
        }
    }
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let [month, day, year] = words[..] else { return None };
    let month = month.to_lowercase();
    let number = MONTHS.iter().position(|known| month.len() >= 3 && month.starts_with(known))? + 1;
    build(year, &number.to_string(), day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_forms() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let now = time::parse("2024-05-03T02:00:00Z").unwrap();
        let show = |text: &str| read(text, &zone, now).map(|(from, until)| (time::show(from), time::show(until)));
        let day = |from: &str, until: &str| Ok((format!("2024-{from}T04:00:00Z"), format!("2024-{until}T04:00:00Z")));
        for text in ["2024-05-01", "05/01/2024", "5/1/2024", "May 1, 2024", "yesterday", "-1d", "-1days"] {
            assert_eq!(show(text), day("05-01", "05-02"), "{text}");
        }
        assert_eq!(show("today"), day("05-02", "05-03"));
        assert_eq!(show("-1w"), day("04-25", "04-26"));
        assert_eq!(show("2024-05-01..5/2/2024"), day("05-01", "05-03"));
        assert_eq!(show("-4h"), Ok(("2024-05-02T22:00:00Z".into(), "2024-05-03T02:00:00Z".into())));
        for bad in ["-5days..now", "5/1/24", "soon", "2024-13-01", "", "-", "-99999999999d", "Foo 1, 2024"] {
            assert_eq!(show(bad), Err(UNKNOWN.into()), "{bad}");
        }
    }
}
