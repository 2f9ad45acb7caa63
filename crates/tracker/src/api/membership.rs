//! Members of projects.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::membership as view;
use crate::model::role::{Action, Role};
use crate::repo::membership::{self as repo, Membership};
use crate::repo::person::{self, Somebody};
use crate::repo::scope::{self, Scope};
use crate::repo::{activity, record};
use identity::{NewPerson, PersonState};
use ledger::Object;
use serde_json::{Value, json};
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    const ONE: &str = "/projects/{project_id}/memberships/{membership_id}";
    Routes::new()
        .get("/projects/{project_id}/memberships", list_memberships)
        .post("/projects/{project_id}/memberships", create_membership)
        .get(ONE, get_membership)
        .put(ONE, update_membership)
        .delete(ONE, delete_membership)
}

const ROLES: [&str; 3] = ["owner", "member", "viewer"];
type Member = (Membership, Role, Somebody);

fn shown(tx: &mut Tx<'_>, call: &Call, scope: &Scope, all: &[Member]) -> Result<Vec<Value>, ApiError> {
    view::memberships(tx, call, scope, all, call.fields())
}

fn list_memberships(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    call.params().only(&["sort_by"])?;
    let mut all = repo::list(tx, scope.project.id)?;
    if call.params().one_of("sort_by", &["name"], |text| (text == "name").then_some(()))?.is_some() {
        all.sort_by_key(|(membership, _, who)| (who.name().to_lowercase(), membership.id));
    }
    Ok(Reply::ok(Value::Array(shown(tx, call, &scope, &all)?)).at(scope.project.version))
}

fn find(tx: &mut Tx<'_>, call: &Call, scope: &Scope) -> Result<Member, ApiError> {
    let id = call.id("membership_id")?;
    let all = repo::list(tx, scope.project.id)?;
    all.into_iter().find(|(membership, ..)| membership.id == id).ok_or_else(ApiError::unfound)
}

fn answer(tx: &mut Tx<'_>, call: &Call, scope: &Scope, member: Member) -> Answer {
    let body = shown(tx, call, scope, &[member])?.pop().unwrap_or_default();
    Ok(Reply::ok(body).at(scope.project.version))
}

fn get_membership(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let member = find(tx, call, &scope)?;
    answer(tx, call, &scope, member)
}

fn create_membership(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let mut scope = scope::project(tx, call, Action::Manage)?;
    let params = call.params();
    params.only(&["person_id", "email", "name", "initials", "role", "project_color"])?;
    params.any_of(&["person_id", "email"])?;
    let role = params.one_of("role", &ROLES, Role::parse)?.unwrap_or(Role::Member);
    let color = color(call)?;
    let who = match params.integer("person_id")? {
        Some(id) => person::person(tx, id)?.ok_or_else(|| {
            ApiError::invalid_field("person_id", format!("Person {id} is not known in this installation."))
        })?,
        None => by_email(tx, call)?,
    };
    if repo::list(tx, scope.project.id)?.iter().any(|(_, _, member)| member.id() == who.id()) {
        return Err(ApiError::invalid_field("person", "Member already exists."));
    }
    let membership = repo::create(tx, &mut scope, &who, role, color, call.now())?;
    answer(tx, call, &scope, (membership, role, who))
}

/// Who is not known yet becomes a person who waits to be let in.
fn by_email(tx: &mut Tx<'_>, call: &Call) -> Result<Somebody, ApiError> {
    let params = call.params();
    let email = params.short("email", 191)?.ok_or_else(|| ApiError::missing("email"))?;
    let email = email.trim().to_owned();
    let known = identity::person_by_name(tx, &email, identity::ORIGIN)?;
    let number = match known {
        Some(person) => person.number,
        None => {
            let me = person::me(tx, call)?;
            let new = NewPerson {
                user_name: email.clone(),
                email: Some(email.clone()),
                display_name: params.short("name", 191)?.unwrap_or_default(),
                state: PersonState::Pending,
                password: None,
            };
            let made = identity::person_create(tx, &me.person.object(), &new).map_err(|error| match error {
                identity::IdentityError::Invalid { .. } => ApiError::bare()
                    .with_requirement(format!("{email} is not a valid email address."))
                    .with_problem("person", "One or more consistency checks failed on the supplied Person."),
                other => other.into(),
            })?;
            if let Some(initials) = params.short("initials", 4)? {
                let profile = person::Profile {
                    person_id: made.number,
                    initials: Some(initials),
                    time_zone: None,
                    receives_in_app_notifications: true,
                };
                person::save_profile(tx, &profile)?;
            }
            made.number
        }
    };
    person::person(tx, number)?.ok_or_else(ApiError::unfound)
}

fn color(call: &Call) -> Result<Option<String>, ApiError> {
    let color = call.params().short("project_color", 8)?;
    let hex = |text: &String| text.len() == 6 && text.chars().all(|char| char.is_ascii_hexdigit());
    match color {
        Some(color) if !hex(&color) => {
            Err(ApiError::invalid_field("project_color", "'project_color' must be six hexadecimal digits, without #"))
        }
        color => Ok(color),
    }
}

const OWN: [&str; 5] = [
    "project_color",
    "favorite",
    "last_viewed_at",
    "wants_comment_notification_emails",
    "will_receive_mention_notifications_or_emails",
];

fn update_membership(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let mut scope = scope::project(tx, call, Action::Read)?;
    let params = call.params();
    let known = [&["role", "person_id"][..], &OWN].concat();
    params.only(&known)?;
    params.any_of(&[&["role"][..], &OWN].concat())?;
    let me = scope.me()?.clone();
    let (mut membership, mut role, who) = find(tx, call, &scope)?;
    let now = call.now();
    if let Some(wanted) = params.one_of("role", &ROLES, Role::parse)?.filter(|wanted| *wanted != role) {
        scope.permit(Action::Manage)?;
        repo::set_role(tx, &mut scope, &mut membership, &who, (role, wanted), now)?;
        role = wanted;
    }
    if OWN.iter().any(|name| params.has(name)) {
        // How a project looks to somebody is theirs alone.
        if who.id() != me.id() {
            return Err(ApiError::unauthorized());
        }
        let before = membership.clone();
        membership.project_color = color(call)?.unwrap_or(membership.project_color);
        membership.favorite = params.boolean("favorite")?.unwrap_or(membership.favorite);
        membership.last_viewed_at = params.time("last_viewed_at")?.or(membership.last_viewed_at);
        for (name, flag) in [
            ("wants_comment_notification_emails", &mut membership.wants_comment_notification_emails),
            (
                "will_receive_mention_notifications_or_emails",
                &mut membership.will_receive_mention_notifications_or_emails,
            ),
        ] {
            *flag = params.boolean(name)?.unwrap_or(*flag);
        }
        if membership != before {
            membership.updated_at = now;
            record::save(tx, &membership)?;
            let object = Object::new("project_membership", membership.id, me.name());
            let data = json!({ "favorite": membership.favorite, "project_color": membership.project_color });
            activity::note(tx, &me, "project_membership.own", object, vec![scope.project.ledger_scope()], data)?;
        }
    }
    answer(tx, call, &scope, (membership, role, who))
}

fn delete_membership(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let mut scope = scope::project(tx, call, Action::Read)?;
    call.params().only(&[])?;
    let me = scope.me()?.id();
    let (membership, role, who) = find(tx, call, &scope)?;
    // Everybody may leave.
    if who.id() != me {
        scope.permit(Action::Manage)?;
    }
    repo::delete(tx, &mut scope, &membership, &who, role, call.now())?;
    Ok(Reply::nothing().at(scope.project.version))
}
