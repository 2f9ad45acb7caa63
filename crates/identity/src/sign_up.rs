//! Making an account oneself.

use crate::hashing::hash_password;
use crate::model::sign_up::SignUp;
use crate::repo::backoff;
use crate::repo::invitation::{invitation_by_token, invitation_use};
use crate::repo::person::{NewPerson, Person, PersonState, person_register};
use crate::repo::person_find::{PersonFilter, person_find};
use crate::repo::setting::sign_up;
use crate::sign_in::Origin;
use crate::{Identity, IdentityError, Password};
use store::Tx;

/// Accounts that may wait for an administrator at a time; more would only hide those of people.
const WAITING: u64 = 500;

/// What a newcomer says.
pub(crate) struct NewAccount {
    pub(crate) user_name: String,
    pub(crate) email: String,
    pub(crate) password: Password,
    /// The token of an invitation; empty: none.
    pub(crate) invitation: String,
}

/// What becomes of it.
pub(crate) enum Registered {
    /// May sign in.
    Active(Person),
    /// Waits for an administrator.
    Pending(Person),
    /// Nothing was made.
    TooMany,
}

/// How a newcomer may make an account.
pub(crate) struct Way {
    /// An administrator must activate it.
    pub(crate) approval: bool,
    /// The address it will have.
    pub(crate) email: Option<String>,
}

impl Identity {
    /// Whether and how an account may be made, with this invitation (empty: none). [`IdentityError::SignUp`] and
    /// [`IdentityError::Invitation`] say why not.
    pub(crate) async fn may_sign_up(&self, invitation: &str) -> Result<Way, IdentityError> {
        let (invitation, now) = (invitation.to_owned(), self.now());
        self.db().read(move |tx| way(tx, &invitation, now)).await
    }

    /// Makes an account. Accounts are counted per address as failures to sign in are, so that nobody fills the list.
    pub(crate) async fn sign_up(&self, new: NewAccount, origin: &Origin) -> Result<Registered, IdentityError> {
        // Before the password is hashed, which costs.
        self.may_sign_up(&new.invitation).await?;
        let _permit = self.attempts().acquire().await.expect("the semaphore is never closed");
        let hash = hash_password(new.password).await?;
        let keys: Vec<_> = Some(&origin.address)
            .filter(|address| !address.is_empty() && new.invitation.is_empty())
            .map(|address| backoff::key("sign-up", address))
            .into_iter()
            .collect();
        let now = self.now();
        let (invitation, user_name, email) = (new.invitation, new.user_name, new.email);
        self.db()
            .write(move |tx| {
                let way = way(tx, &invitation, now)?;
                let state = if way.approval { PersonState::Pending } else { PersonState::Active };
                let person = NewPerson {
                    user_name: user_name.clone(),
                    email: Some(email.clone()),
                    display_name: String::new(),
                    state,
                    password: Some(hash.clone()),
                };
                if !invitation.is_empty() {
                    return Ok(Registered::Active(invitation_use(tx, &invitation, &person, now)?));
                }
                if backoff::blocked_until(tx, &keys, now)?.is_some() || way.approval && waiting(tx)? >= WAITING {
                    return Ok(Registered::TooMany);
                }
                let person = person_register(tx, &person, None)?;
                backoff::failed(tx, &keys, now)?;
                Ok(if way.approval { Registered::Pending(person) } else { Registered::Active(person) })
            })
            .await
    }
}

fn way(tx: &mut Tx<'_>, invitation: &str, now: i64) -> Result<Way, IdentityError> {
    let mode = sign_up(tx)?;
    if mode == SignUp::Closed {
        return Err(IdentityError::SignUp("Administrators make the accounts here: ask one for yours."));
    }
    if !invitation.is_empty() {
        let invitation = invitation_by_token(tx, invitation, now)?.ok_or(IdentityError::Invitation)?;
        return Ok(Way { approval: false, email: invitation.email });
    }
    if mode == SignUp::Invitation {
        return Err(IdentityError::SignUp(
            "You need an invitation to make an account here: ask an administrator for one.",
        ));
    }
    Ok(Way { approval: mode == SignUp::Approval, email: None })
}

fn waiting(tx: &mut Tx<'_>) -> Result<u64, IdentityError> {
    let pending = PersonFilter { states: Some(vec![PersonState::Pending]), limit: 1, ..PersonFilter::default() };
    Ok(person_find(tx, &pending)?.1)
}
