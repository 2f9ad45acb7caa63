//! A project's settings (reference, section 2.5) and their bounds.

use crate::model::calendar::{Timing, day_name, weekday};
use crate::model::points::Scale;
use crate::model::velocity::Strategy;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Everything that can be set, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// A sentence or two.
    pub description: Option<String>,
    /// The profile page, in Markdown.
    pub profile_content: Option<String>,
    /// Free text.
    pub status: Option<String>,
    /// Weeks, 1 to 4.
    pub iteration_length: u32,
    /// English name.
    pub week_start_day: String,
    /// `YYYY-MM-DD`.
    pub start_date: Option<String>,
    /// IANA name.
    pub time_zone: String,
    /// `0,1,2,3`.
    pub point_scale: String,
    /// Do bugs and chores have points?
    pub bugs_and_chores_are_estimatable: bool,
    /// Does the current iteration fill itself?
    pub automatic_planning: bool,
    /// Do stories have tasks?
    pub enable_tasks: bool,
    /// Do replies to mails become comments?
    pub enable_incoming_emails: bool,
    /// Done iterations that count, 1 to 4.
    pub velocity_averaged_over: u32,
    /// 1 to 999.
    pub initial_velocity: u32,
    /// At least `velocity_averaged_over`.
    pub number_of_done_iterations_to_show: u32,
    /// May anybody read it?
    pub public: bool,
    /// Is there a feed?
    pub atom_enabled: bool,
    /// `demo`, `private`, `public`, `shared`.
    pub project_type: String,
    /// `unbillable`, `billable`, `overhead`.
    pub accounting_type: String,
    /// Shown at the top of lists of projects.
    pub featured: bool,
    /// Are priorities shown?
    pub show_story_priority: bool,
    /// As icons?
    pub show_priority_icon: bool,
    /// In every panel?
    pub show_priority_icon_in_all_panels: bool,
    /// May tokens be used?
    pub allow_api_access: bool,
    /// Do only owners see addresses?
    pub hide_email_addresses: bool,
    /// Put away?
    pub archived: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            description: None,
            profile_content: None,
            status: None,
            iteration_length: 1,
            week_start_day: "Monday".into(),
            start_date: None,
            time_zone: "UTC".into(),
            point_scale: "0,1,2,3".into(),
            bugs_and_chores_are_estimatable: false,
            automatic_planning: true,
            enable_tasks: true,
            enable_incoming_emails: true,
            velocity_averaged_over: 3,
            initial_velocity: 10,
            number_of_done_iterations_to_show: 12,
            public: false,
            atom_enabled: false,
            project_type: "private".into(),
            accounting_type: "unbillable".into(),
            featured: false,
            show_story_priority: false,
            show_priority_icon: false,
            show_priority_icon_in_all_panels: false,
            allow_api_access: true,
            hide_email_addresses: false,
            archived: false,
        }
    }
}

/// A value that may not be: its field and the API's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which.
    pub field: &'static str,
    /// Why not.
    pub text: String,
}

impl Settings {
    /// Everything that is wrong with these settings.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |field, text: String| problems.push(Problem { field, text });
        if !(1..=4).contains(&self.iteration_length) {
            wrong("iteration_length", "iteration_length can only be between 1 and 4.".into());
        }
        if self.initial_velocity < 1 {
            wrong("initial_velocity", "You must specify a value of 1 or greater.".into());
        }
        if self.initial_velocity > 999 {
            wrong("initial_velocity", "Initial velocity can't exceed 999.".into());
        }
        if !(1..=4).contains(&self.velocity_averaged_over) {
            wrong("velocity_averaged_over", "is not a valid velocity scheme".into());
        } else if self.number_of_done_iterations_to_show < self.velocity_averaged_over {
            let text =
                "Your project must load enough done iterations to calculate your velocity according to your settings.";
            wrong("number_of_done_iterations_to_show", text.into());
        }
        if let Err(text) = Scale::parse(&self.point_scale) {
            wrong("point_scale", text);
        }
        if let Some(start) = self.start_day()
            && start.weekday() != self.week_start()
        {
            let text = format!(
                "{}/{}/{} is a {} and Iterations in this project start on {}s.",
                start.month(),
                start.day(),
                start.year(),
                day_name(start.weekday()),
                day_name(self.week_start())
            );
            wrong("start_date", text);
        }
        problems
    }

    /// The scale; the first known one where what is kept cannot be read.
    pub fn scale(&self) -> Scale {
        Scale::parse(&self.point_scale)
            .unwrap_or_else(|_| Scale::parse("0,1,2,3").expect("the first known scale is a scale"))
    }

    /// The day on which iterations start.
    pub fn week_start(&self) -> Weekday {
        weekday(&self.week_start_day).unwrap_or(Weekday::Monday)
    }

    /// The start date as a date.
    pub fn start_day(&self) -> Option<Date> {
        self.start_date.as_deref()?.parse().ok()
    }

    /// The time zone; UTC where this machine's database has lost it.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// For the calendar of a project made at `created_at`.
    pub fn timing(&self, created_at: i64) -> Timing {
        Timing {
            zone: self.zone(),
            week_start: self.week_start(),
            length: self.iteration_length,
            start_date: self.start_day(),
            created_at,
        }
    }

    /// For velocity.
    pub fn strategy(&self) -> Strategy {
        Strategy {
            averaged_over: self.velocity_averaged_over,
            initial: self.initial_velocity,
            length: self.iteration_length,
        }
    }
}
