//! Iterations as windows of time (reference, section 5.1).
//!
//! Boundaries are local midnights of the week's start day in the project's time zone, so in UTC they shift with daylight
//! saving. Nothing of an iteration is stored but its override: change the length of a past one, and all later ones shift.

use crate::model::time;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use std::collections::BTreeMap;

/// What a project says about its iterations.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Where midnights are.
    pub zone: TimeZone,
    /// The day on which iterations start.
    pub week_start: Weekday,
    /// Weeks, from 1.
    pub length: u32,
    /// Wanted start of the first iteration.
    pub start_date: Option<Date>,
    /// When the project was made, in microseconds.
    pub created_at: i64,
}

/// What somebody said about one iteration.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Override {
    /// Weeks, if not the project's own.
    pub length: Option<u32>,
    /// 1.0 is everybody; 0 is nobody.
    pub strength: Option<f64>,
}

/// Where each iteration of a project begins.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    first: Date,
    length: u32,
    overrides: BTreeMap<u32, Override>,
}

impl Calendar {
    /// `first_accepted`: when the first story was accepted, in microseconds; it may pull the first iteration to an earlier week.
    pub fn new(timing: &Timing, overrides: BTreeMap<u32, Override>, first_accepted: Option<i64>) -> Self {
        let accepted = first_accepted.map(|at| time::date(at, &timing.zone));
        let begun = match (timing.start_date, accepted) {
            (Some(start), Some(accepted)) => start.min(accepted),
            (Some(day), None) | (None, Some(day)) => day,
            (None, None) => time::date(timing.created_at, &timing.zone),
        };
        let past_start = begun.weekday().since(timing.week_start);
        let first = begun.saturating_sub(Span::new().days(i64::from(past_start)));
        Self { zone: timing.zone.clone(), first, length: timing.length.max(1), overrides }
    }

    /// Weeks of iteration `number`.
    pub fn weeks(&self, number: u32) -> u32 {
        self.overrides.get(&number).and_then(|change| change.length).unwrap_or(self.length).max(1)
    }

    /// Team strength of iteration `number`.
    pub fn strength(&self, number: u32) -> f64 {
        self.overrides.get(&number).and_then(|change| change.strength).unwrap_or(1.0)
    }

    /// The first day of iteration `number` (from 1).
    pub fn first_day(&self, number: u32) -> Date {
        let before = i64::from(number.saturating_sub(1));
        let longer: i64 = self
            .overrides
            .range(..number)
            .filter_map(|(_, change)| change.length)
            .map(|length| i64::from(length.max(1)) - i64::from(self.length))
            .sum();
        self.first.saturating_add((before * i64::from(self.length) + longer).min(500_000).weeks())
    }

    /// The moment iteration `number` begins, in microseconds; the one before it finishes then.
    pub fn start(&self, number: u32) -> i64 {
        time::midnight(self.first_day(number), &self.zone)
    }

    /// The number of the iteration `count` before `number`; 1 where there are not so many.
    pub fn back(number: u32, count: u32) -> u32 {
        number.saturating_sub(count).max(1)
    }

    /// The iteration at `micros`; 1 for what lies before all of them.
    pub fn number_at(&self, micros: i64) -> u32 {
        let day = time::date(micros, &self.zone);
        let days = (day - self.first).get_days();
        let Ok(mut weeks) = u32::try_from(days.div_euclid(7)) else { return 1 };
        let mut number = 1;
        for (&at, change) in &self.overrides {
            let Some(length) = change.length.map(|length| length.max(1)) else { continue };
            let until = (at - number) * self.length;
            if weeks < until {
                break;
            }
            weeks -= until;
            number = at;
            if weeks < length {
                return number;
            }
            weeks -= length;
            number += 1;
        }
        number + weeks / self.length
    }

    /// What was said about single iterations.
    pub fn overrides(&self) -> &BTreeMap<u32, Override> {
        &self.overrides
    }

    /// The project's own length in weeks.
    pub fn length(&self) -> u32 {
        self.length
    }

    /// Where midnights are.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

/// `Monday`, from English names of any case.
pub fn weekday(name: &str) -> Option<Weekday> {
    DAYS.into_iter().find(|(day, _)| day.eq_ignore_ascii_case(name)).map(|(_, weekday)| weekday)
}

/// The English name of a day.
pub fn day_name(weekday: Weekday) -> &'static str {
    DAYS.into_iter().find(|(_, day)| *day == weekday).map_or("Monday", |(name, _)| name)
}

const DAYS: [(&str, Weekday); 7] = [
    ("Sunday", Weekday::Sunday),
    ("Monday", Weekday::Monday),
    ("Tuesday", Weekday::Tuesday),
    ("Wednesday", Weekday::Wednesday),
    ("Thursday", Weekday::Thursday),
    ("Friday", Weekday::Friday),
    ("Saturday", Weekday::Saturday),
];
