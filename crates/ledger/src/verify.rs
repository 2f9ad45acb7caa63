//! Verifying the chain, page by page, so that memory is bounded however long the ledger is.

use crate::follow::Ledger;
use crate::row::{Head, Stored, select};
use sea_query::{Expr, ExprTrait, Order};
use store::StoreError;

const PAGE: u64 = 500;

/// An intact ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many sealed entries there are; also the last position.
    pub entries: i64,
    /// The last one's hash: keep it elsewhere, and a ledger that was rewritten as a whole shows too. Empty if there is none.
    pub head: String,
}

/// How the chain breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The entry is not what was sealed.
    Altered,
    /// There is no such entry, though later ones or the head say that there was.
    Missing,
    /// The entry that belongs here stands at another position.
    OutOfOrder {
        /// Where it stands.
        found_at: i64,
    },
    /// The entry was not appended by Pitlane: the head does not know it.
    Foreign,
}

/// The ledger could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The first position where the chain breaks.
    #[error("the ledger breaks at position {position}: {}", words(.fault))]
    Broken {
        /// From 1.
        position: i64,
        /// How.
        fault: Fault,
    },
    /// It could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn words(fault: &Fault) -> String {
    match fault {
        Fault::Altered => "the entry was altered after it was sealed".into(),
        Fault::Missing => "the entry is missing".into(),
        Fault::OutOfOrder { found_at } => format!("the entry that belongs here stands at position {found_at}"),
        Fault::Foreign => "the entry was added from outside".into(),
    }
}

impl Ledger {
    /// Recomputes every hash from the first entry on. Entries appended meanwhile are covered up to the moment the end is reached.
    pub async fn verify(&self) -> Result<Verified, VerifyError> {
        let mut last = Head { position: 0, hash: String::new() };
        loop {
            // Head and page from one snapshot.
            let after = last.position;
            let (head, page) = self.page(after).await?;
            for entry in &page {
                let position = last.position + 1;
                let broken = |fault| Err(VerifyError::Broken { position, fault });
                if entry.position != position {
                    return broken(Fault::Missing);
                }
                let hash = entry.link(&last.hash, position);
                if entry.hash != hash {
                    return broken(self.displaced(&last).await?.unwrap_or(Fault::Altered));
                }
                if position > head.position {
                    return broken(Fault::Foreign);
                }
                last = Head { position, hash };
            }
            if (page.len() as u64) < PAGE {
                let position = last.position;
                return match head {
                    head if head == last => Ok(Verified { entries: position, head: last.hash }),
                    head if head.position > position => {
                        Err(VerifyError::Broken { position: position + 1, fault: Fault::Missing })
                    }
                    _ => Err(VerifyError::Broken { position, fault: Fault::Altered }),
                };
            }
        }
    }

    async fn page(&self, after: i64) -> Result<(Head, Vec<Stored>), StoreError> {
        self.db
            .read(move |tx| {
                let head = Head::read(tx)?;
                let page = select()
                    .and_where(Expr::col("position").gt(after))
                    .order_by("position", Order::Asc)
                    .limit(PAGE)
                    .to_owned();
                Ok((head, tx.rows(&page)?))
            })
            .await
    }

    /// Whether the true successor of `last` stands somewhere behind.
    async fn displaced(&self, last: &Head) -> Result<Option<Fault>, StoreError> {
        let mut after = last.position;
        loop {
            let (_, page) = self.page(after).await?;
            let Some(end) = page.last() else { return Ok(None) };
            after = end.position;
            if let Some(found) = page.iter().find(|entry| entry.hash == entry.link(&last.hash, last.position + 1)) {
                return Ok(
                    (found.position != last.position + 1).then_some(Fault::OutOfOrder { found_at: found.position })
                );
            }
        }
    }
}
