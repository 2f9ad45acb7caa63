//! Resources of which there are none, truthfully: their lists are empty, a single one is not found, and creating one is
//! refused with the reason, because accepting a setting that does nothing would be a lie.

use crate::api::body::Body;
use crate::api::caller::{Reader, Writer};
use crate::api::links::Base;
use crate::api::page::{Page, Params, Spec};
use crate::model::actions;
use crate::repo::scope;
use crate::repo::space::Space;
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{OriginalUri, Path, State};
use serde_json::{Value, json};

const OFFERING: &[&str] = &["guid", "name", "description", "documentation_url", "tags", "relationships.service_broker"];
const BROKER: &[&str] = &["guid", "name"];
const SPACE: &[&str] = &["guid", "name", "relationships.organization"];
const PLAN: &[&str] = &["guid", "name", "relationships.service_offering"];

/// A kind of resource of which there are none.
struct Absent {
    /// First part of the path after `/v3/`.
    plural: &'static str,
    /// The word of the 404.
    word: &'static str,
    spec: Spec,
    /// Why none can be made.
    why: &'static str,
}

const SERVICES: &str = "Data services are not offered yet: give the app what it needs as environment variables.";

const ALL: &[Absent] = &[
    Absent {
        plural: "security_groups",
        word: "Security group",
        spec: Spec {
            order: &["name"],
            labels: false,
            ..Spec::new(&[
                "names",
                "running_space_guids",
                "staging_space_guids",
                "globally_enabled_running",
                "globally_enabled_staging",
            ])
        },
        why: "Outgoing traffic is not filtered by security groups: every instance is separated from the host and from other apps by its own network.",
    },
    Absent {
        plural: "isolation_segments",
        word: "Isolation segment",
        spec: Spec { order: &["name"], ..Spec::new(&["names", "organization_guids"]) },
        why: "There is one machine and nothing to place apps apart on: isolation segments are not available.",
    },
    Absent {
        plural: "service_brokers",
        word: "Service broker",
        spec: Spec { order: &["name"], ..Spec::new(&["names", "space_guids"]) },
        why: SERVICES,
    },
    Absent {
        plural: "service_offerings",
        word: "Service offering",
        spec: Spec {
            order: &["name"],
            fields: &[("service_broker", BROKER)],
            ..Spec::new(&[
                "names",
                "available",
                "service_broker_guids",
                "service_broker_names",
                "space_guids",
                "organization_guids",
            ])
        },
        why: SERVICES,
    },
    Absent {
        plural: "service_plans",
        word: "Service plan",
        spec: Spec {
            order: &["name"],
            include: &["service_offering", "space.organization"],
            fields: &[("service_offering.service_broker", BROKER)],
            ..Spec::new(&[
                "names",
                "available",
                "broker_catalog_ids",
                "service_offering_names",
                "service_offering_guids",
                "service_broker_names",
                "service_broker_guids",
                "service_instance_guids",
                "space_guids",
                "organization_guids",
            ])
        },
        why: SERVICES,
    },
    Absent {
        plural: "service_instances",
        word: "Service instance",
        spec: Spec {
            order: &["name"],
            fields: &[
                ("space", SPACE),
                ("space.organization", &["guid", "name"]),
                ("service_plan", PLAN),
                ("service_plan.service_offering", OFFERING),
                ("service_plan.service_offering.service_broker", BROKER),
            ],
            ..Spec::new(&[
                "names",
                "type",
                "space_guids",
                "organization_guids",
                "service_plan_guids",
                "service_plan_names",
            ])
        },
        why: SERVICES,
    },
    Absent {
        plural: "service_credential_bindings",
        word: "Service credential binding",
        spec: Spec {
            order: &["name"],
            include: &["app", "service_instance"],
            ..Spec::new(&[
                "names",
                "type",
                "app_guids",
                "app_names",
                "service_instance_guids",
                "service_instance_names",
                "service_plan_guids",
                "service_plan_names",
                "service_offering_guids",
                "service_offering_names",
            ])
        },
        why: SERVICES,
    },
    Absent {
        plural: "service_route_bindings",
        word: "Service route binding",
        spec: Spec {
            include: &["route", "service_instance"],
            ..Spec::new(&["route_guids", "service_instance_guids", "service_instance_names"])
        },
        why: SERVICES,
    },
    Absent {
        plural: "service_usage_events",
        word: "Service usage event",
        spec: Spec { labels: false, ..Spec::new(&["after_guid", "service_instance_types", "service_offering_guids"]) },
        why: SERVICES,
    },
];

fn absent(uri: &http::Uri) -> Result<&'static Absent, ApiError> {
    let plural = uri.path().split('/').nth(2).unwrap_or_default();
    ALL.iter().find(|one| one.plural == plural).ok_or_else(ApiError::unknown_request)
}

pub(super) async fn list_none(
    OriginalUri(uri): OriginalUri,
    _: Reader,
    base: Base,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &absent(&uri)?.spec)?;
    // Nothing is included, but who asked for it finds the lists.
    let mut included = json!({});
    for wanted in page.include.iter().chain(page.fields.keys()) {
        let last = wanted.rsplit('.').next().unwrap_or_default();
        included[format!("{last}s")] = json!([]);
    }
    Ok(Json(page.envelope_with(&base, 0, Vec::new(), included)))
}

pub(super) async fn get_none(OriginalUri(uri): OriginalUri, _: Reader) -> Result<Json<Value>, ApiError> {
    Err(ApiError::not_found(absent(&uri)?.word))
}

pub(super) async fn change_none(OriginalUri(uri): OriginalUri, _: Writer) -> Result<Json<Value>, ApiError> {
    Err(ApiError::not_found(absent(&uri)?.word))
}

pub(super) async fn create_none(
    OriginalUri(uri): OriginalUri,
    Writer(caller): Writer,
    _: Body<Value>,
) -> Result<Json<Value>, ApiError> {
    let absent = absent(&uri)?;
    // Who could not create one anyhow is told that.
    if matches!(absent.plural, "security_groups" | "isolation_segments" | "service_brokers") {
        scope::administer(&caller)?;
    }
    Err(ApiError::unprocessable(absent.why))
}

/// `GET /v3/spaces/:guid/running_security_groups` and `…/staging_security_groups`
pub(super) async fn list_space_security_groups(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let spec = Spec { order: &["name"], labels: false, ..Spec::new(&["names"]) };
    let page = Page::parse(params, &spec)?;
    apps.db
        .read(move |tx| {
            Space::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            Ok(Json(page.envelope(&base, 0, Vec::new())))
        })
        .await
}
