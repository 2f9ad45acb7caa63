//! Planning against the golden cases that the pages read too (`planning-cases.json`), and what must hold for any project.

use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use tracker::model::calendar::{Calendar, Override, Timing, weekday};
use tracker::model::plan::{Plan, Story, plan};
use tracker::model::story::{Panel, State};
use tracker::model::time;
use tracker::model::velocity::{Done, Strategy};

fn cases(group: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../planning-cases.json")).unwrap();
    let cases = all[group].as_array().unwrap().clone();
    assert!(!cases.is_empty(), "{group}");
    cases
}

fn int(value: &Value) -> u32 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number")) as u32
}

fn at(value: &Value) -> i64 {
    time::parse(value.as_str().unwrap()).unwrap()
}

fn overrides(case: &Value) -> BTreeMap<u32, Override> {
    let read = |change: &Value| {
        let length = change["length"].as_u64().map(|length| length as u32);
        (int(&change["number"]), Override { length, strength: change["team_strength"].as_f64() })
    };
    case["overrides"].as_array().unwrap().iter().map(read).collect()
}

fn timing(project: &Value) -> Timing {
    Timing {
        zone: jiff::tz::TimeZone::get(project["time_zone"].as_str().unwrap()).unwrap(),
        week_start: weekday(project["week_start_day"].as_str().unwrap()).unwrap(),
        length: int(&project["iteration_length"]),
        start_date: project["start_date"].as_str().map(|date| date.parse().unwrap()),
        created_at: at(&project["created_at"]),
    }
}

fn story(id: i64, story: &Value) -> Story {
    Story {
        id,
        state: State::parse(story["state"].as_str().unwrap()).unwrap(),
        points: story["points"].as_f64().unwrap_or(0.0),
        accepted_at: story["accepted_at"].as_str().map(|text| time::parse(text).unwrap()),
    }
}

#[test]
fn velocities() {
    for case in cases("velocity") {
        let strategy = Strategy {
            averaged_over: int(&case["averaged_over"]),
            initial: int(&case["initial_velocity"]),
            length: int(&case["iteration_length"]),
        };
        let done = case["done"].as_array().unwrap().iter().map(|done| Done {
            points: done["points"].as_f64().unwrap(),
            weeks: int(&done["weeks"]),
            strength: done["strength"].as_f64().unwrap(),
        });
        assert_eq!(strategy.velocity(&done.collect::<Vec<_>>()), int(&case["velocity"]), "{}", case["name"]);
    }
}

/// The first iteration is the current one, whose velocity is the initial one.
#[test]
fn fillings() {
    for case in cases("filling") {
        let stories: Vec<Story> = case["stories"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let story = story(index as i64, value);
                Story { accepted_at: (story.state == State::Accepted).then_some(1), ..story }
            })
            .collect();
        let length = int(&case["iteration_length"]);
        let timing = Timing {
            zone: jiff::tz::TimeZone::UTC,
            week_start: weekday("Thursday").unwrap(),
            length,
            start_date: None,
            created_at: 0,
        };
        let current =
            Override { length: Some(int(&case["current"]["weeks"])), strength: case["current"]["strength"].as_f64() };
        let calendar = Calendar::new(&timing, BTreeMap::from([(1, current)]), None);
        let strategy = Strategy { averaged_over: 3, initial: int(&case["velocity"]), length };
        let plan = plan(&calendar, strategy, case["automatic_planning"].as_bool().unwrap(), &stories, 2);
        let found: Vec<Value> = plan.numbers(stories.len()).into_iter().map(Value::from).collect();
        assert_eq!(Value::from(found), case["iterations"], "{}", case["name"]);
    }
}

#[test]
fn windows() {
    for case in cases("windows") {
        let accepted = case["first_accepted"].as_str().map(|text| time::parse(text).unwrap());
        let calendar = Calendar::new(&timing(&case), overrides(&case), accepted);
        for (number, start) in case["starts"].as_object().unwrap() {
            let found = time::show(calendar.start(number.parse().unwrap()));
            assert_eq!(found, start.as_str().unwrap(), "{}: iteration {number}", case["name"]);
        }
        for (moment, number) in case["numbers"].as_object().unwrap() {
            let found = calendar.number_at(time::parse(moment).unwrap());
            assert_eq!(found, int(number), "{}: {moment}", case["name"]);
        }
    }
}

#[test]
fn plans() {
    for case in cases("plans") {
        let project = &case["project"];
        let stories: Vec<Story> = case["stories"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| story(value["id"].as_i64().unwrap(), value))
            .collect();
        let accepted = stories.iter().filter_map(|story| story.accepted_at).min();
        let calendar = Calendar::new(&timing(project), overrides(&case), accepted);
        let strategy = Strategy {
            averaged_over: int(&project["velocity_averaged_over"]),
            initial: int(&project["initial_velocity"]),
            length: int(&project["iteration_length"]),
        };
        let automatic = project["automatic_planning"].as_bool().unwrap();
        let plan = plan(&calendar, strategy, automatic, &stories, at(&case["now"]));
        assert_eq!((plan.velocity, plan.current), (int(&case["velocity"]), int(&case["current"])), "{}", case["name"]);
        let found: serde_json::Map<String, Value> = plan
            .iterations
            .iter()
            .map(|one| {
                let ids: Vec<i64> = plan.stories_of(one).iter().map(|&index| stories[index].id).collect();
                (one.number.to_string(), Value::from(ids))
            })
            .collect();
        assert_eq!(Value::Object(found), case["iterations"], "{}", case["name"]);
    }
}

const WEEK: i64 = 7 * 24 * 3600 * time::SECOND;

#[derive(Debug, Clone)]
struct Project {
    stories: Vec<Story>,
    overrides: BTreeMap<u32, Override>,
    strategy: Strategy,
    zone: &'static str,
    automatic: bool,
    now: i64,
}

fn project() -> impl Strategy_<Value = Project> {
    let zones = prop::sample::select(vec!["UTC", "America/Los_Angeles", "America/Sao_Paulo", "Australia/Lord_Howe"]);
    let now = 40 * WEEK;
    let story = (0..8_usize, 0..14_u32, 0..now);
    let change = (1..45_u32, prop::option::of(1..6_u32), prop::option::of(0..4_u32));
    (
        prop::collection::vec(story, 0..120),
        prop::collection::vec(change, 0..4),
        (1..5_u32, 1..30_u32, 1..5_u32),
        zones,
        any::<bool>(),
    )
        .prop_map(move |(stories, changes, (averaged_over, initial, length), zone, automatic)| {
            let mut stories: Vec<Story> = stories
                .into_iter()
                .enumerate()
                .map(|(id, (state, points, accepted_at))| {
                    let state = match State::ALL[state] {
                        State::Planned if automatic => State::Unstarted,
                        state => state,
                    };
                    let accepted_at = (state == State::Accepted).then_some(accepted_at);
                    Story { id: id as i64, state, points: f64::from(points), accepted_at }
                })
                .collect();
            stories.sort_by_key(|story| (story.state.panel(), story.accepted_at));
            let overrides = changes.into_iter().map(|(number, length, strength)| {
                (number, Override { length, strength: strength.map(|half| f64::from(half) / 2.0) })
            });
            let strategy = Strategy { averaged_over, initial, length };
            Project { stories, overrides: overrides.collect(), strategy, zone, automatic, now }
        })
}

use proptest::strategy::Strategy as Strategy_;

fn planned(project: &Project) -> (Calendar, Plan) {
    let timing = Timing {
        zone: jiff::tz::TimeZone::get(project.zone).unwrap(),
        week_start: weekday("Monday").unwrap(),
        length: project.strategy.length,
        start_date: None,
        created_at: 0,
    };
    let first = project.stories.iter().filter_map(|story| story.accepted_at).min();
    let calendar = Calendar::new(&timing, project.overrides.clone(), first);
    let plan = plan(&calendar, project.strategy, project.automatic, &project.stories, project.now);
    (calendar, plan)
}

proptest! {
    #[test]
    fn no_story_is_lost_or_doubled(project in project()) {
        let (_, plan) = planned(&project);
        let mut found = plan.order.clone();
        found.sort_unstable();
        let stories = project.stories.iter().enumerate();
        let expected: Vec<usize> =
            stories.filter(|(_, story)| story.state.panel() != Panel::Icebox).map(|(index, _)| index).collect();
        prop_assert_eq!(found, expected);
        // Iterations are gapless in number and in the order.
        let mut next = 0;
        for (index, iteration) in plan.iterations.iter().enumerate() {
            prop_assert_eq!(iteration.number as usize, index + 1);
            prop_assert_eq!(iteration.stories.start, next);
            next = iteration.stories.end;
        }
        prop_assert_eq!(next, plan.order.len());
    }

    #[test]
    fn waiting_stories_keep_their_order(project in project()) {
        let (_, plan) = planned(&project);
        let waiting: Vec<usize> =
            plan.order.iter().copied().filter(|&index| project.stories[index].state == State::Unstarted).collect();
        prop_assert!(waiting.is_sorted());
    }

    #[test]
    fn no_iteration_takes_more_than_its_capacity_and_what_was_left(project in project()) {
        let (_, plan) = planned(&project);
        let velocity = f64::from(plan.planned_with);
        let backlog: Vec<_> = plan.iterations.iter().filter(|one| one.number > plan.current).collect();
        let mut left = f64::INFINITY;
        for (index, iteration) in backlog.iter().enumerate() {
            if index > 0 {
                prop_assert!(iteration.points <= velocity + left + 1e-6);
                left = (velocity + left - iteration.points).max(0.0);
            } else {
                // What the current one left is not known here; it is at most its whole capacity.
                left = (velocity - iteration.points).max(0.0);
                let of_current = plan.iteration(plan.current).unwrap().points;
                if project.overrides.is_empty() && of_current >= velocity {
                    prop_assert!(iteration.points <= velocity + 1e-6);
                }
                left += velocity * 12.0;
            }
        }
        // The last one is there for a story.
        if let Some(last) = backlog.last() {
            prop_assert!(!last.stories.is_empty());
        }
    }

    #[test]
    fn accepted_stories_lie_in_the_window_of_their_acceptance(project in project()) {
        let (calendar, plan) = planned(&project);
        for (index, number) in plan.numbers(project.stories.len()).into_iter().enumerate() {
            let Some(at) = project.stories[index].accepted_at else { continue };
            let number = number.unwrap();
            prop_assert!(calendar.start(number) <= at && at < calendar.start(number + 1));
            prop_assert_eq!(calendar.number_at(at), number);
        }
    }

    /// Whatever the zone does, an iteration begins at the first moment of a day that is the week's start.
    #[test]
    fn boundaries_are_local_midnights(project in project(), number in 1..400_u32) {
        let (calendar, _) = planned(&project);
        let start = calendar.start(number);
        let here = |micros| time::timestamp(micros).to_zoned(calendar.zone().clone());
        let first = here(start);
        prop_assert_eq!(first.weekday(), jiff::civil::Weekday::Monday);
        prop_assert_eq!(first.start_of_day().unwrap(), first.clone());
        prop_assert_ne!(here(start - 1).date(), first.date());
        prop_assert_eq!(calendar.number_at(start), number);
        prop_assert_eq!(calendar.number_at(start - 1), (number - 1).max(1));
    }
}
