//! Authorisation by construction: what is loaded here has been allowed.
//!
//! A project that the caller may not see is 403, one that there is not is 404; what lies in a project is found only there.

use crate::ApiError;
use crate::api::call::Call;
use crate::model::role::{Access, Action, PROJECT, Role};
use crate::repo::epic::Epic;
use crate::repo::person::{self, Somebody};
use crate::repo::project::Project;
use crate::repo::record;
use crate::repo::story::Story;
use identity::{Caller, Grant, Place, Subject};
use sea_query::{Cond, Expr, ExprTrait};
use store::{StoreError, Tx};

/// A project, and how the caller stands to it.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The project.
    pub project: Project,
    /// What the caller may.
    pub access: Access,
    /// Who calls; none on public projects.
    pub me: Option<Somebody>,
}

impl Scope {
    /// Who calls. There is somebody wherever more than reading was asked for.
    pub fn me(&self) -> Result<&Somebody, ApiError> {
        self.me.as_ref().ok_or_else(ApiError::unauthenticated)
    }

    /// 403 unless the caller may do `action`, too.
    pub fn permit(&self, action: Action) -> Result<(), ApiError> {
        if self.access.allows(action) { Ok(()) } else { Err(ApiError::unauthorized()) }
    }

    /// Are addresses shown to the caller?
    pub fn sees_addresses(&self) -> bool {
        self.access.sees_addresses(self.project.settings().hide_email_addresses)
    }
}

/// Where a project's roles are held.
pub fn place(project_id: i64) -> Place {
    Place::new(PROJECT, &project_id.to_string())
}

/// The project of the path, for `action`.
pub fn project(tx: &mut Tx<'_>, call: &Call, action: Action) -> Result<Scope, ApiError> {
    let id = call.id("project_id")?;
    project_by_id(tx, call, id, action)
}

/// A project, for `action`.
pub fn project_by_id(tx: &mut Tx<'_>, call: &Call, id: i64, action: Action) -> Result<Scope, ApiError> {
    let project: Option<Project> = record::find(tx, id)?;
    let Some(project) = project else {
        // Who has not said who they are learns nothing of what there is.
        call.known()?;
        return Err(ApiError::unfound());
    };
    let (me, role, administrator) = match call.caller() {
        None => (None, None, false),
        Some(caller) => (person::of_caller(tx, caller)?, role(tx, caller, id)?, caller.admin),
    };
    let access = Access { role, administrator, public: project.settings().public };
    let scope = Scope { project, access, me };
    if !access.allows(action) {
        call.known()?;
        return Err(ApiError::unauthorized());
    }
    if action != Action::Read {
        // A program of the platform has no role, and no person to be named.
        scope.me()?;
    }
    if call.who().token.is_some() && !scope.project.settings().allow_api_access {
        return Err(ApiError::unauthorized());
    }
    Ok(scope)
}

/// A story of the path, within its project if the path names one, for `action`.
pub fn story(tx: &mut Tx<'_>, call: &Call, action: Action) -> Result<(Scope, Story), ApiError> {
    let id = call.id("story_id")?;
    match call.segment("project_id") {
        Some(_) => {
            let scope = project(tx, call, action)?;
            let story = story_in(tx, &scope, id)?;
            Ok((scope, story))
        }
        None => {
            let story: Option<Story> = record::find(tx, id)?;
            let story = story.ok_or_else(|| missing(call))?;
            let scope = project_by_id(tx, call, story.project_id, action)?;
            Ok((scope, story))
        }
    }
}

/// A story of this project.
pub fn story_in(tx: &mut Tx<'_>, scope: &Scope, id: i64) -> Result<Story, ApiError> {
    let story: Option<Story> = record::find(tx, id)?;
    story.filter(|story| story.project_id == scope.project.id).ok_or_else(ApiError::unfound)
}

/// An epic of the path, as [`story`].
pub fn epic(tx: &mut Tx<'_>, call: &Call, action: Action) -> Result<(Scope, Epic), ApiError> {
    let epic: Option<Epic> = record::find(tx, call.id("epic_id")?)?;
    match call.segment("project_id") {
        Some(_) => {
            let scope = project(tx, call, action)?;
            let epic = epic.filter(|epic| epic.project_id == scope.project.id).ok_or_else(ApiError::unfound)?;
            Ok((scope, epic))
        }
        None => {
            let epic = epic.ok_or_else(|| missing(call))?;
            Ok((project_by_id(tx, call, epic.project_id, action)?, epic))
        }
    }
}

fn missing(call: &Call) -> ApiError {
    match call.known() {
        Ok(_) => ApiError::unfound(),
        Err(unknown) => unknown,
    }
}

/// The caller's role in a project.
pub fn role(tx: &mut Tx<'_>, caller: &Caller, project_id: i64) -> Result<Option<Role>, StoreError> {
    let held = Cond::all()
        .add(Expr::col("subject_kind").eq(caller.subject.kind()))
        .add(Expr::col("subject_id").eq(caller.subject.id()))
        .add(Expr::col("place_kind").eq(PROJECT))
        .add(Expr::col("place_id").eq(project_id.to_string()));
    let held = identity::grants(tx, held)?;
    // The strongest, if there were two.
    Ok(Role::ALL.into_iter().find(|role| held.iter().any(|grant| grant.role == role.grant())))
}

/// Everybody's role in a project, by guid.
pub fn roles(tx: &mut Tx<'_>, project_id: i64) -> Result<Vec<(String, Role)>, StoreError> {
    let here =
        Cond::all().add(Expr::col("place_kind").eq(PROJECT)).add(Expr::col("place_id").eq(project_id.to_string()));
    let of_person = |grant: Grant| match (&grant.subject, Role::of_grant(&grant.role)) {
        (Subject::Person(guid), Some(role)) => Some((guid.clone(), role)),
        _ => None,
    };
    Ok(identity::grants(tx, here)?.into_iter().filter_map(of_person).collect())
}

/// The projects in which the caller has a role.
pub fn roles_of(tx: &mut Tx<'_>, caller: &Caller) -> Result<Vec<(i64, Role)>, StoreError> {
    let of_project = |grant: Grant| match (grant.place.kind.as_str(), Role::of_grant(&grant.role)) {
        (PROJECT, Some(role)) => Some((grant.place.id.parse().ok()?, role)),
        _ => None,
    };
    Ok(identity::grants_of(tx, &caller.subject)?.into_iter().filter_map(of_project).collect())
}

/// Gives a person this role, and no other, in a project.
pub fn set_role(tx: &mut Tx<'_>, guid: &str, project_id: i64, role: Option<Role>, now: i64) -> Result<(), StoreError> {
    let held = Cond::all()
        .add(Expr::col("subject_kind").eq("person"))
        .add(Expr::col("subject_id").eq(guid))
        .add(Expr::col("place_kind").eq(PROJECT))
        .add(Expr::col("place_id").eq(project_id.to_string()));
    for grant in identity::grants(tx, held)? {
        identity::grant_remove(tx, &grant.id)?;
    }
    let Some(role) = role else { return Ok(()) };
    identity::grant_add(
        tx,
        &Grant {
            id: uuid::Uuid::new_v4().to_string(),
            subject: Subject::Person(guid.into()),
            role: role.grant().into(),
            place: place(project_id),
            created_at: now,
        },
    )
}

/// Takes all roles in a project away; when it goes.
pub fn revoke_all(tx: &mut Tx<'_>, project_id: i64) -> Result<(), StoreError> {
    let here =
        Cond::all().add(Expr::col("place_kind").eq(PROJECT)).add(Expr::col("place_id").eq(project_id.to_string()));
    for grant in identity::grants(tx, here)? {
        identity::grant_remove(tx, &grant.id)?;
    }
    Ok(())
}
