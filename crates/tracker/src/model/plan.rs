//! Which iteration each story falls into (reference, sections 5.3 and 5.4): a pure function of calendar, ordered stories and
//! the time, so that every server and every page comes to the same plan.
//!
//! Invariants: the order of stories is never changed; each scheduled or accepted story is in exactly one iteration; no later
//! iteration takes a story while an earlier one waits for it; points of backlog iterations never exceed what they may carry.

use crate::model::calendar::Calendar;
use crate::model::story::{Panel, State};
use crate::model::velocity::{Done, Strategy};
use std::ops::Range;

const EPSILON: f64 = 1e-9;

/// What planning knows of a story.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Story {
    /// Its id.
    pub id: i64,
    /// How far it is.
    pub state: State,
    /// Its estimate; 0 without one.
    pub points: f64,
    /// Microseconds; of accepted stories.
    pub accepted_at: Option<i64>,
}

/// One iteration of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Iteration {
    /// From 1.
    pub number: u32,
    /// Its stories, as a part of [`Plan::order`].
    pub stories: Range<usize>,
    /// Their points.
    pub points: f64,
}

/// All iterations of a project.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Indices of the given stories, iteration by iteration.
    pub order: Vec<usize>,
    /// Done, current, backlog; the first is number 1.
    pub iterations: Vec<Iteration>,
    /// The running one.
    pub current: u32,
    /// As reckoned from done iterations.
    pub velocity: u32,
    /// With which the Backlog is planned: a velocity below 1 would never get through it.
    pub planned_with: u32,
}

/// Plans `stories`, given in project order. `automatic`: the current iteration fills itself.
pub fn plan(calendar: &Calendar, strategy: Strategy, automatic: bool, stories: &[Story], now: i64) -> Plan {
    let current = calendar.number_at(now);
    let mut plan = Plan {
        order: Vec::with_capacity(stories.len()),
        iterations: Vec::new(),
        current,
        velocity: 0,
        planned_with: 1,
    };
    let accepted_now = plan.take_done(calendar, stories);
    plan.velocity = strategy.velocity(&plan.done(calendar));
    plan.planned_with = plan.velocity.max(1);
    plan.fill(calendar, automatic, stories, &accepted_now);
    plan
}

impl Plan {
    /// Done iterations, empty ones too; answers what was accepted in the current one.
    fn take_done(&mut self, calendar: &Calendar, stories: &[Story]) -> Vec<usize> {
        let mut accepted: Vec<usize> =
            (0..stories.len()).filter(|&index| stories[index].state == State::Accepted).collect();
        // Nearly always in order already; the caller sorts by the same rule.
        accepted.sort_by_key(|&index| (stories[index].accepted_at, stories[index].id));
        let mut rest = accepted.into_iter().peekable();
        for number in 1..self.current {
            let (finish, from) = (calendar.start(number + 1), self.order.len());
            let mut points = 0.0;
            while let Some(index) = rest.next_if(|&index| stories[index].accepted_at.unwrap_or(i64::MIN) < finish) {
                points += stories[index].points;
                self.order.push(index);
            }
            self.iterations.push(Iteration { number, stories: from..self.order.len(), points });
        }
        rest.collect()
    }

    /// The current iteration and the Backlog.
    fn fill(&mut self, calendar: &Calendar, automatic: bool, stories: &[Story], accepted_now: &[usize]) {
        let from = self.order.len();
        self.order.extend_from_slice(accepted_now);
        let scheduled = |index: &usize| stories[*index].state.panel() == Panel::Scheduled;
        let pulled = |state: State| state.is_in_progress() || (!automatic && state == State::Planned);
        let in_progress = (0..stories.len()).filter(scheduled).filter(|&index| pulled(stories[index].state));
        // Those that somebody works on stand above those that are only planned.
        let mut working: Vec<usize> = in_progress.collect();
        working.sort_by_key(|&index| stories[index].state == State::Planned);
        self.order.extend(working);
        let mut waiting =
            (0..stories.len()).filter(scheduled).filter(|&index| !pulled(stories[index].state)).peekable();

        let mut used: f64 = self.order[from..].iter().map(|&index| stories[index].points).sum();
        let velocity = f64::from(self.planned_with);
        let length = f64::from(calendar.weeks(self.current)) / f64::from(calendar.length());
        let capacity = (velocity * length * calendar.strength(self.current) + EPSILON).floor();
        let mut carry = 0.0;
        if automatic {
            while let Some(index) = waiting.next_if(|&index| used + stories[index].points <= capacity + EPSILON) {
                used += stories[index].points;
                self.order.push(index);
            }
            carry = (capacity - used).max(0.0);
        }
        self.iterations.push(Iteration { number: self.current, stories: from..self.order.len(), points: used });

        let mut number = self.current;
        while waiting.peek().is_some() {
            number += 1;
            let (capacity, from) = (velocity + carry, self.order.len());
            let mut used = 0.0;
            while let Some(index) = waiting.next_if(|&index| used + stories[index].points <= capacity + EPSILON) {
                used += stories[index].points;
                self.order.push(index);
            }
            carry = (capacity - used).max(0.0);
            self.iterations.push(Iteration { number, stories: from..self.order.len(), points: used });
        }
    }

    /// What velocity is reckoned from, oldest first.
    pub fn done(&self, calendar: &Calendar) -> Vec<Done> {
        let done = self.iterations.iter().take_while(|iteration| iteration.number < self.current);
        done.map(|iteration| Done {
            points: iteration.points,
            weeks: calendar.weeks(iteration.number),
            strength: calendar.strength(iteration.number),
        })
        .collect()
    }

    /// Iteration `number`, if it has come or has stories.
    pub fn iteration(&self, number: u32) -> Option<&Iteration> {
        self.iterations.get(number.checked_sub(1)? as usize)
    }

    /// Indices of an iteration's stories.
    pub fn stories_of(&self, iteration: &Iteration) -> &[usize] {
        &self.order[iteration.stories.clone()]
    }

    /// The number of each story's iteration, by its index; none for the Icebox.
    pub fn numbers(&self, stories: usize) -> Vec<Option<u32>> {
        let mut numbers = vec![None; stories];
        for iteration in &self.iterations {
            for &index in self.stories_of(iteration) {
                numbers[index] = Some(iteration.number);
            }
        }
        numbers
    }
}
