//! Writes to the table as values: what is changed, and on which conditions. The table carries them out; so does the
//! model that checks the protocol, and the conditions are the same ones.

use serde_json::Value;

use super::cameras::CameraHour;
use super::once::RequestKey;
use super::queue::Queue;
use super::sighting::Mark;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::key::KeyParts;
use crate::domain::plan::Mode;
use crate::domain::review;

/// Which item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An evaluation.
    Evaluation(EvaluationId),
    /// One of its photos.
    Photo(EvaluationId, PhotoId),
    /// The evaluation that answers the question of this fingerprint.
    Fingerprint(String),
    /// When a DR's photos were uploaded, and when they were changed, last.
    Uploads(DrNumber),
    /// What is known of the VLM.
    Breaker,
    /// How far a queue has come.
    Progress(Queue),
    /// Where the sweeper goes on, of one part of the unfinished evaluations.
    SweptTo(u8),
    /// The question that was asked of a DR last, in this mode.
    LastAsked(DrNumber, Mode),
    /// The model's answer to a question about a photo.
    Answer(KeyParts),
    /// Where a photo with this mark was seen first.
    Sighting(Mark),
    /// The DR in which a serial was seen first.
    Serial(String),
    /// The other DR in which it was seen next.
    SerialAgain(String),
    /// Where a camera was first in an hour.
    Camera(CameraHour),
    /// Where it was next in that hour, too far away to have gone there.
    CameraAgain(CameraHour),
    /// Where a DR is expected to be.
    Place(DrNumber),
    /// What technicians noted of a DR's steps.
    Notes(DrNumber),
    /// What a person decided, the DR's record of this number.
    Review(DrNumber, u32),
    /// What the list across DRs shows of an evaluation of a DR.
    Card(DrNumber, EvaluationId),
    /// The same, listed by certainty.
    CardByCertainty(DrNumber, EvaluationId),
    /// The same as the card, listed among the contested ones.
    CardContested(DrNumber, EvaluationId),
    /// The same, listed by certainty.
    CardContestedByCertainty(DrNumber, EvaluationId),
    /// How many evaluations of a day (as 2026-11-26) are in each state.
    Counts(String),
    /// Who claims a DR, and until when.
    Claim(DrNumber),
    /// What is kept of a look at a photo of a DR.
    Look(DrNumber, PhotoId),
    /// What an evaluation truly is, which reviewers are not told.
    Known(EvaluationId),
    /// What is kept of how right verdicts are.
    Accuracy,
    /// A catalogue that an operator published, by its version.
    Catalogue(String),
    /// A request that may be sent again.
    Request(RequestKey),
    /// Since when answers about this DR may be used again; about all without one.
    Cache(Option<DrNumber>),
}

impl Key {
    /// The partition and sort key.
    pub fn parts(&self) -> (String, String) {
        match self {
            Self::Evaluation(id) => (format!("EVALUATION#{id}"), "META".into()),
            Self::Photo(id, photo) => (format!("EVALUATION#{id}"), format!("PHOTO#{photo}")),
            Self::Fingerprint(fingerprint) => {
                (format!("FINGERPRINT#{fingerprint}"), "CURRENT".into())
            }
            Self::Uploads(dr) => (format!("DR#{dr}"), "UPLOADS".into()),
            Self::Breaker => ("VLM".into(), "BREAKER".into()),
            Self::Progress(queue) => (format!("QUEUE#{}", queue.as_str()), "PROGRESS".into()),
            Self::SweptTo(part) => (format!("SWEEPER#{part}"), "SWEPT_TO".into()),
            Self::LastAsked(dr, mode) => (format!("DR#{dr}"), format!("LAST#{}", mode.as_str())),
            Self::Answer(key) => (format!("ANSWER#{}", key.hash()), "KEPT".into()),
            Self::Cache(Some(dr)) => (format!("CACHE#{dr}"), "VALID_FROM".into()),
            Self::Sighting(mark) => (format!("SIGHTING#{}", mark.key()), "FIRST".into()),
            Self::Serial(serial) => (format!("SERIAL#{serial}"), "FIRST".into()),
            Self::SerialAgain(serial) => (format!("SERIAL#{serial}"), "AGAIN".into()),
            Self::Camera(hour) => (format!("CAMERA#{}", hour.key()), "FIRST".into()),
            Self::CameraAgain(hour) => (format!("CAMERA#{}", hour.key()), "AGAIN".into()),
            Self::Place(dr) => (format!("PLACE#{dr}"), "EXPECTED".into()),
            Self::Notes(dr) => (format!("NOTES#{dr}"), "NOTED".into()),
            Self::Review(dr, number) => (format!("REVIEWS#{dr}"), review::sort_key(*number)),
            Self::Card(dr, id) => (format!("CARDS#{dr}"), format!("CARD#{id}")),
            Self::CardByCertainty(dr, id) => (format!("CARDS#{dr}"), format!("CERTAINTY#{id}")),
            Self::CardContested(dr, id) => (format!("CARDS#{dr}"), format!("CONTESTED#{id}")),
            Self::CardContestedByCertainty(dr, id) => {
                (format!("CARDS#{dr}"), format!("CONTESTED_CERTAINTY#{id}"))
            }
            Self::Counts(day) => (format!("COUNTS#{}", year(day)), day.clone()),
            Self::Claim(dr) => (format!("CLAIM#{dr}"), "HELD".into()),
            Self::Look(dr, photo) => (format!("LOOKS#{dr}"), format!("LOOK#{photo}")),
            Self::Known(id) => (format!("KNOWN#{id}"), "TRUTH".into()),
            Self::Accuracy => ("ACCURACY".into(), "LAST".into()),
            Self::Catalogue(version) => (format!("CATALOGUE#{version}"), "PUBLISHED".into()),
            Self::Request(key) => (format!("REQUEST#{}", key.as_str()), "LEASED".into()),
            Self::Cache(None) => ("CACHE".into(), "ALL".into()),
        }
    }
}

/// The year of a day: what is counted on the days of a range is then read in few queries.
fn year(day: &str) -> &str {
    day.split('-').next().unwrap_or_default()
}

/// A condition on one attribute; dots lead into maps.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// It is there.
    Exists(&'static str),
    /// It is not there.
    Absent(&'static str),
    /// It has this value.
    Is(&'static str, Value),
    /// It is a number below this.
    Below(&'static str, i64),
    /// It is a number up to this.
    AtMost(&'static str, i64),
}

/// The guards, by what they see to. There is no other one, and none is there that can be left out: the simulation finds
/// a violation without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuardName {
    /// A fingerprint still points where it was seen to point.
    FingerprintUnmoved,
    /// An evaluation that is replaced is there.
    SupersededKnown,
    /// An evaluation that is replaced has not ended.
    SupersededNotEnded,
    /// An evaluation whose dispatch is noted is there.
    DispatchedKnown,
    /// An evaluation whose start is noted is there.
    StartedKnown,
    /// A photo that is sent again is there.
    ResentKnown,
    /// A photo that is sent again has no outcome.
    ResentWithoutOutcome,
    /// A photo whose outcome is written is there.
    OutcomeKnown,
    /// A photo's first outcome stays.
    FirstOutcomeStays,
    /// Only the provisional outcome that was seen is replaced.
    UpgradedAsSeen,
    /// An evaluation whose photo is taken off the pending set is there.
    PendingKnown,
    /// A photo that is put off has no outcome.
    DeferredWithoutOutcome,
    /// A photo is not put back to an earlier attempt.
    LaterAttemptStays,
    /// An evaluation that waits is there.
    WaitingKnown,
    /// An evaluation that waits has not ended.
    WaitingNotEnded,
    /// The verdict in place is the one that was judged anew, so that two who judge at once don't overwrite each other.
    RevisionAsJudged,
    /// No two probes are on their way.
    OneProbe,
    /// A word on one probe does not end another's lease.
    OwnProbe,
    /// The time of the last upload only moves forward.
    LaterUploadStays,
    /// An answer about a photo is replaced by a later one only.
    LaterAnswerStays,
    /// The time since when answers may be used only moves forward.
    LaterInvalidationStays,
    /// The time of a DR's last change only moves forward.
    LaterChangeStays,
    /// An evaluation that goes on to its next photos is there.
    ReleasedKnown,
    /// An evaluation that lets go of its last photos is there.
    NotNeededKnown,
    /// An evaluation whose next round is claimed is there.
    RoundKnown,
    /// Quick mode's next round was not sent meanwhile.
    RoundAsSeen,
    /// No two send quick mode's next round.
    OneSender,
    /// Bulk work is brought forward once.
    PromotedOnce,
    /// What is noted of how far a queue has come only moves forward.
    LaterProgressStays,
    /// A photo is looked at once a day.
    LookedAtOnce,
    /// What a person decided is never written over.
    ReviewStays,
    /// A card is replaced by one that was made of it, and counted once.
    CardAsSeen,
    /// A DR is claimed by one person at a time.
    ClaimFree,
}

impl GuardName {
    /// All of them.
    pub const ALL: [Self; 33] = [
        Self::FingerprintUnmoved,
        Self::SupersededKnown,
        Self::SupersededNotEnded,
        Self::DispatchedKnown,
        Self::StartedKnown,
        Self::ResentKnown,
        Self::ResentWithoutOutcome,
        Self::OutcomeKnown,
        Self::FirstOutcomeStays,
        Self::UpgradedAsSeen,
        Self::PendingKnown,
        Self::DeferredWithoutOutcome,
        Self::LaterAttemptStays,
        Self::WaitingKnown,
        Self::WaitingNotEnded,
        Self::RevisionAsJudged,
        Self::OneProbe,
        Self::OwnProbe,
        Self::LaterUploadStays,
        Self::LaterAnswerStays,
        Self::LaterInvalidationStays,
        Self::LaterChangeStays,
        Self::ReleasedKnown,
        Self::NotNeededKnown,
        Self::RoundKnown,
        Self::RoundAsSeen,
        Self::OneSender,
        Self::PromotedOnce,
        Self::LaterProgressStays,
        Self::LookedAtOnce,
        Self::ReviewStays,
        Self::CardAsSeen,
        Self::ClaimFree,
    ];
}

/// What protects an item: the write is refused unless one of the conditions holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// Its name, for the list of guards and the check that each is needed.
    pub name: GuardName,
    /// At least one must hold.
    pub any_of: Vec<Condition>,
}

impl Guard {
    /// A guard with one condition.
    pub fn one(name: GuardName, condition: Condition) -> Self {
        Self {
            name,
            any_of: vec![condition],
        }
    }

    /// A guard with two, of which one must hold.
    pub fn either(name: GuardName, first: Condition, second: Condition) -> Self {
        Self {
            name,
            any_of: vec![first, second],
        }
    }
}

/// A change of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum UpdateAction {
    /// It gets this value.
    Set(&'static str, Value),
    /// It gets this value unless it has one.
    SetIfAbsent(&'static str, Value),
    /// It goes.
    Remove(&'static str),
    /// These members leave the set; an empty set goes.
    DeleteMembers(&'static str, Members),
    /// It is a number and grows by one; an absent one becomes 1.
    Increment(&'static str),
    /// It is a number and grows by this, or shrinks; an absent one counts as 0.
    Add(&'static str, i64),
}

/// Members of a set: at least one, since DynamoDB refuses an empty set wherever it occurs.
///
/// ```
/// use evaluation::decide::update::Members;
///
/// assert!(Members::of(["a", "b"]).is_some());
/// assert!(Members::of(Vec::<String>::new()).is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members(Vec<String>);

impl Members {
    /// This one.
    pub fn one(member: impl ToString) -> Self {
        Self(vec![member.to_string()])
    }

    /// These; `None` if there are none.
    pub fn of(members: impl IntoIterator<Item: ToString>) -> Option<Self> {
        let members: Vec<String> = members
            .into_iter()
            .map(|member| member.to_string())
            .collect();
        (!members.is_empty()).then_some(Self(members))
    }

    /// The members.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// A change of one item. An item that is not there comes into being, unless a guard is against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The item.
    pub key: Key,
    /// All must let it pass.
    pub guards: Vec<Guard>,
    /// What actions.
    pub actions: Vec<UpdateAction>,
}

/// A whole item to put in place.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    /// The item.
    pub key: Key,
    /// All must let it pass.
    pub guards: Vec<Guard>,
    /// Its attributes, as a JSON object.
    pub item: Value,
}

/// A part of a transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Puts an item.
    Put(Put),
    /// Changes one.
    Update(Update),
}

impl Part {
    /// The item.
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(put) => &put.key,
            Self::Update(update) => &update.key,
        }
    }
}
