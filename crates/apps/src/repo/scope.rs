//! Authorisation by construction: what is loaded here has been allowed, what is listed is narrowed to what is visible.
//!
//! A resource in a space is loaded so: find its row, then [`in_space`] with its space guid and the action. Not readable
//! is answered as not found under the resource's own name; readable but not allowed is 403; a change in a suspended
//! organization is 403 `CF-OrgSuspended` for all but administrators.

use crate::ApiError;
use crate::error::Kind;
use crate::model::actions;
use crate::repo::{organization::Organization, space::Space};
use identity::{Action, Caller, Grant, Place, Subject};
use sea_query::{Cond, Expr, ExprTrait, IntoCondition, Query};
use store::{StoreError, Tx};

/// Kind of an organization's [`Place`].
pub const ORGANIZATION: &str = "organization";
/// Kind of a space's [`Place`].
pub const SPACE: &str = "space";

/// Sees everything: administrators, and tokens with a global reading scope.
pub fn sees_all(caller: &Caller) -> bool {
    caller.admin
        || caller.has_scope("cloud_controller.admin_read_only")
        || caller.has_scope("cloud_controller.global_auditor")
}

/// Sees everything, secrets too.
pub fn sees_secrets(caller: &Caller) -> bool {
    caller.admin || caller.has_scope("cloud_controller.admin_read_only")
}

/// 403 for all but administrators.
pub fn administer(caller: &Caller) -> Result<(), ApiError> {
    if caller.admin { Ok(()) } else { Err(ApiError::not_authorized()) }
}

/// May the caller do `action` in this space? For what is not an error: whether to show a secret, say.
pub fn may_in_space(tx: &mut Tx<'_>, caller: &Caller, space: &Space, action: &Action) -> Result<bool, StoreError> {
    identity::may(tx, caller, action, &space.places())
}

/// Loads the space of a resource and checks `action` there; `resource` is the word of the 404 (`App`, `Route`).
pub fn in_space(
    tx: &mut Tx<'_>,
    caller: &Caller,
    guid: &str,
    action: &Action,
    resource: &str,
) -> Result<Space, ApiError> {
    let not_found = || ApiError::not_found(resource);
    let space = Space::find(tx, guid)?.ok_or_else(not_found)?;
    let places = space.places();
    let readable = sees_all(caller) || identity::may(tx, caller, &actions::SPACE_READ, &places)?;
    if !readable {
        return Err(not_found());
    }
    permit(tx, caller, action, &places, &space.organization_guid)?;
    Ok(space)
}

/// Loads an organization and checks `action` there.
pub fn in_organization(
    tx: &mut Tx<'_>,
    caller: &Caller,
    guid: &str,
    action: &Action,
    resource: &str,
) -> Result<Organization, ApiError> {
    let not_found = || ApiError::not_found(resource);
    let organization = Organization::find(tx, guid)?.ok_or_else(not_found)?;
    let places = [Place::new(ORGANIZATION, guid)];
    let readable = sees_all(caller) || identity::may(tx, caller, &actions::ORGANIZATION_READ, &places)?;
    if !readable {
        return Err(not_found());
    }
    permit(tx, caller, action, &places, guid)?;
    Ok(organization)
}

fn permit(
    tx: &mut Tx<'_>,
    caller: &Caller,
    action: &Action,
    places: &[Place],
    organization: &str,
) -> Result<(), ApiError> {
    let reading = action.name.ends_with(".read");
    let secret = std::ptr::eq(action, &raw const actions::SECRETS_READ)
        || std::ptr::eq(action, &raw const actions::ENVIRONMENT_READ);
    let global = reading && if secret { sees_secrets(caller) } else { sees_all(caller) };
    if !global && !identity::may(tx, caller, action, places)? {
        return Err(ApiError::not_authorized());
    }
    if !reading && !caller.admin && Organization::find(tx, organization)?.is_some_and(|found| found.suspended) {
        return Err(ApiError::new(Kind::ORG_SUSPENDED, "The organization is suspended"));
    }
    Ok(())
}

/// Where a caller may do something; narrows lists.
#[derive(Debug, Clone)]
pub struct Visible {
    all: bool,
    spaces: Vec<String>,
    organizations: Vec<String>,
}

impl Visible {
    /// The places where `caller` holds a role that allows `action` (one that reads).
    pub fn load(tx: &mut Tx<'_>, caller: &Caller, action: &Action) -> Result<Self, StoreError> {
        if sees_all(caller) {
            return Ok(Self { all: true, spaces: Vec::new(), organizations: Vec::new() });
        }
        let held = identity::grants_of(tx, &caller.subject)?;
        let places = |kind: &str| {
            let holds = |grant: &&Grant| grant.place.kind == kind && action.roles.contains(&grant.role.as_str());
            held.iter().filter(holds).map(|grant| grant.place.id.clone()).collect()
        };
        Ok(Self { all: false, spaces: places(SPACE), organizations: places(ORGANIZATION) })
    }

    /// Rows whose `column` is a guid of a visible space.
    pub fn spaces(&self, column: &'static str) -> Cond {
        if self.all {
            return Cond::all();
        }
        let of_organizations = Query::select()
            .column("guid")
            .from("space")
            .and_where(Expr::col("organization_guid").is_in(self.organizations.iter().cloned()))
            .take();
        Cond::any()
            .add(Expr::col(column).is_in(self.spaces.iter().cloned()))
            .add(Expr::col(column).in_subquery(of_organizations))
    }

    /// Rows whose `column` is a guid of a visible organization.
    pub fn organizations(&self, column: &'static str) -> Cond {
        if self.all {
            Cond::all()
        } else {
            Expr::col(column).is_in(self.organizations.iter().cloned()).into_condition()
        }
    }

    /// Guids of the spaces and organizations where the role itself is held. Empty for callers who see everything.
    pub fn guids(&self) -> Vec<String> {
        self.spaces.iter().chain(&self.organizations).cloned().collect()
    }

    /// Everything?
    pub fn all(&self) -> bool {
        self.all
    }
}

/// Gives `subject` a role; nothing happens if it has it already. Answers whether it was added.
pub fn grant(tx: &mut Tx<'_>, subject: &Subject, role: &str, place: Place) -> Result<bool, StoreError> {
    let has = identity::grants_of(tx, subject)?.iter().any(|grant| grant.role == role && grant.place == place);
    if !has {
        let (id, created_at) = (super::new_guid(), crate::model::time::now());
        identity::grant_add(tx, &Grant { id, subject: subject.clone(), role: role.into(), place, created_at })?;
    }
    Ok(!has)
}

/// Takes all roles away that are held in `place`; when it goes.
pub fn revoke_all(tx: &mut Tx<'_>, place: &Place) -> Result<(), StoreError> {
    let condition = Cond::all()
        .add(Expr::col("place_kind").eq(place.kind.as_str()))
        .add(Expr::col("place_id").eq(place.id.as_str()));
    for grant in identity::grants(tx, condition)? {
        identity::grant_remove(tx, &grant.id)?;
    }
    Ok(())
}
