//! Planning a project of 10,000 stories: half of them done over four years, the rest in Backlog and Icebox. Target: 5 ms.
#![expect(clippy::print_stdout, reason = "prints its figures")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;
use tracker::model::calendar::{Calendar, Override, Timing};
use tracker::model::plan::{Story, plan};
use tracker::model::story::State;
use tracker::model::velocity::Strategy;

const STORIES: i64 = 10_000;
const ROUNDS: usize = 200;
const WEEK: i64 = 7 * 24 * 3600 * 1_000_000;

fn main() {
    let now = 200 * WEEK + 20_000 * WEEK / 52;
    let begun = now - 208 * WEEK;
    let stories: Vec<Story> = (0..STORIES)
        .map(|id| {
            let (state, accepted_at) = match id * 10 / STORIES {
                0..5 => (State::Accepted, Some(begun + id * 208 * WEEK * 2 / STORIES)),
                5..9 => (if id % 500 == 0 { State::Started } else { State::Unstarted }, None),
                _ => (State::Unscheduled, None),
            };
            Story { id, state, points: (id % 6) as f64, accepted_at }
        })
        .collect();
    let overrides: BTreeMap<u32, Override> =
        (1..20).map(|number| (number * 9, Override { length: Some(2), strength: Some(0.5) })).collect();
    let zone = jiff::tz::TimeZone::get("America/Los_Angeles").unwrap_or(jiff::tz::TimeZone::UTC);
    let timing =
        Timing { zone, week_start: jiff::civil::Weekday::Monday, length: 1, start_date: None, created_at: begun };
    let strategy = Strategy { averaged_over: 3, initial: 10, length: 1 };
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let at = Instant::now();
            let first = stories.first().and_then(|story| story.accepted_at);
            let calendar = Calendar::new(&timing, overrides.clone(), first);
            black_box(plan(&calendar, strategy, true, black_box(&stories), now));
            at.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "planning {STORIES} stories: median {:.2} ms, p99 {:.2} ms (to reach: 5)",
        times[ROUNDS / 2],
        times[ROUNDS * 99 / 100]
    );
}
