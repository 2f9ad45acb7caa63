//! `/api/platform/tokens`: API tokens of everybody, for administrators (row T20). A token itself was shown once, to its
//! owner; here are its beginning, its owner and its last use.

use crate::api::caller::Administrator;
use crate::api::query::Params;
use crate::api::shape;
use crate::{ApiError, Operations};
use axum::Json;
use axum::extract::{Path, State};
use http::{StatusCode, Uri};
use identity::{ApiToken, ApiTokenFilter, Person};
use serde_json::{Value, json};
use store::Tx;

const MOST: u64 = 200;

/// `GET /api/platform/tokens?q=&person=&page=&per_page=`: `q` are words, each somewhere in the token's name or its owner's
/// names or address, or a token, whole or its beginning. Newest first.
pub(super) async fn list_tokens(
    State(operations): State<Operations>,
    _: Administrator,
    uri: Uri,
) -> Result<Json<Value>, ApiError> {
    let params = Params::parse(uri.query(), &["q", "person", "page", "per_page"])?;
    let (page, per_page) = params.page(50, MOST)?;
    let filter = ApiTokenFilter {
        words: params.words("q"),
        person_id: params.text("person").map(str::to_owned),
        offset: (page - 1) * per_page,
        limit: per_page,
    };
    let now = operations.now();
    operations
        .db
        .read(move |tx| {
            let (tokens, total) = identity::api_token_find(tx, &filter)?;
            let tokens = show(tx, &tokens, now)?;
            Ok(Json(json!({ "tokens": tokens, "total": total, "page": page, "per_page": per_page })))
        })
        .await
}

/// `GET /api/platform/tokens/ID`.
pub(super) async fn show_token(
    State(operations): State<Operations>,
    _: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let now = operations.now();
    operations
        .db
        .read(move |tx| {
            let token = load(tx, &id)?;
            Ok(Json(show(tx, &[token], now)?.remove(0)))
        })
        .await
}

/// `DELETE /api/platform/tokens/ID`: it is refused at the next request.
pub(super) async fn revoke_token(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    operations
        .db
        .write(move |tx| {
            let token = load(tx, &id)?;
            identity::api_token_revoke(tx, &caller.actor(), &id, &token.person_id)?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

fn load(tx: &mut Tx<'_>, id: &str) -> Result<ApiToken, ApiError> {
    identity::api_token_show(tx, id)?.ok_or_else(|| ApiError::not_found("token"))
}

fn show(tx: &mut Tx<'_>, tokens: &[ApiToken], now: i64) -> Result<Vec<Value>, ApiError> {
    let ids: Vec<String> = tokens.iter().map(|token| token.person_id.clone()).collect();
    let owners = identity::people(tx, &ids)?;
    let owner = |token: &ApiToken| owners.iter().find(|owner: &&Person| owner.id == token.person_id);
    Ok(tokens.iter().map(|token| shape::token(token, owner(token), now)).collect())
}
