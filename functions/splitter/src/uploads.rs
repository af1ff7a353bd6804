//! Messages of the uploads queue: S3's events, and our own delayed checks. When a DR is quiet is for
//! `evaluation::run::uploads`.

use anyhow::Context;
use evaluation::decide::message::{Message, PlanAnew, QuietCheck};
use evaluation::decide::start::{Request, Reuse};
use evaluation::domain::ids::DrNumber;
use evaluation::domain::photo_key::{Place, is_misplaced, place_of};
use evaluation::domain::plan::{Mode, Photo};
use evaluation::run::error::{Class, with_causes};
use evaluation::run::ports::Ports;
use evaluation::run::uploads::{is_quiet, note_change, note_misplaced, note_upload};
use evaluation::run::{look, plan_anew};
use serde_json::Value;

use crate::evaluate::Splitter;
use crate::upload_event::{Change, changes};

/// Handles one message of the uploads queue.
pub(crate) async fn handle(splitter: &Splitter, body: &str) -> anyhow::Result<()> {
    let value: Value =
        serde_json::from_str(body).context("Failed to read a message of the uploads queue")?;
    match Message::parse(body) {
        Ok(Message::QuietCheck(check)) => return start_if_quiet(splitter, &check).await,
        Ok(Message::PlanAnew(message)) => return ask_anew(splitter, &message).await,
        _ => (),
    }
    note_all(splitter, &value).await
}

/// Notes all that an event tells of. A record that can't be read costs the others nothing; an event of which none can be
/// is kept for whoever mends that.
pub(crate) async fn note_all(splitter: &Splitter, event: &Value) -> anyhow::Result<()> {
    let mut noted = Ok(());
    let (mut unreadable, mut read) = (None, false);
    for change in changes(event)? {
        match change {
            Ok(change) => {
                read = true;
                // One that fails is noted when the message comes again; the others are noted now.
                noted = noted.and(note(splitter, &change).await);
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "a record of S3 can't be read");
                unreadable = Some(error);
            }
        }
    }
    match unreadable.filter(|_| !read) {
        Some(error) => Err(error.context("No record of the event can be read")),
        None => noted,
    }
}

/// Notes what S3 tells of a photo.
async fn note(splitter: &Splitter, change: &Change) -> anyhow::Result<()> {
    let (dr, name) = match place_of(&change.key) {
        Place::Photo(dr, name) => (dr, name),
        // What is never listed changes no question.
        Place::Hidden => return Ok(()),
        Place::Elsewhere => {
            tracing::warn!(
                s3.key = change.key,
                "an upload that belongs to no DR was passed over; keys are photos/{{dr_number}}/{{name}}"
            );
            return Ok(());
        }
    };
    let (ports, at) = (&splitter.ports, change.at);
    if is_misplaced(&change.key, &dr) {
        note_misplaced(ports, &dr, at).await?;
    }
    if change.is_deletion {
        note_change(ports, &dr, at).await?;
    } else {
        note_upload(ports, &dr, at, splitter.settings.quiet_period).await?;
        if splitter.settings.looks {
            look_at(splitter, &dr, &name, change).await;
        }
    }
    Ok(())
}

/// Sends a look at an uploaded photo. It is a head start: one that can't be sent costs the upload nothing.
async fn look_at(splitter: &Splitter, dr: &DrNumber, name: &str, change: &Change) {
    let versions = splitter.settings.asks_with.versions_for(dr, None);
    let sent = async {
        let Some(etag) = &change.etag else {
            return Ok(());
        };
        let Some(catalogue) = splitter.ports.catalogue(&versions.catalogue).await? else {
            return Ok(());
        };
        let photo = Photo::new(&change.key, name, etag, catalogue);
        look::send(&splitter.ports, dr, photo, catalogue, &versions).await
    };
    if let Err(error) = sent.await {
        let error = with_causes(&error);
        tracing::warn!(s3.key = change.key, error, "a photo is not looked at now");
    }
}

/// Starts the evaluation if nothing came since the upload that arranged for this check.
async fn start_if_quiet(splitter: &Splitter, check: &QuietCheck) -> anyhow::Result<()> {
    if !is_quiet(&splitter.ports, check).await? {
        return Ok(());
    }
    let request = Request {
        dr_number: check.dr_number.clone(),
        mode: Mode::Full,
        reuse: Reuse::AskedSince(check.uploaded_at),
        catalogue: None,
    };
    match splitter.evaluate(&request).await {
        Ok(_) => Ok(()),
        Err(error) if error.class() == Class::Permanent => {
            tracing::warn!(dr.number = %check.dr_number, "no evaluation after uploads: {error}");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks the question of an evaluation whose versions nobody knows any more, under those of this release.
async fn ask_anew(splitter: &Splitter, message: &PlanAnew) -> anyhow::Result<()> {
    let (ports, settings) = (&splitter.ports, &splitter.settings);
    let versions = |dr: &DrNumber, named: Option<&str>| settings.asks_with.versions_for(dr, named);
    let Some(request) = plan_anew::request(ports, message, versions).await? else {
        return Ok(());
    };
    match splitter.evaluate(&request).await {
        Ok(result) => Ok(plan_anew::replaced(ports, message, &result).await?),
        // Its photos are gone: the old evaluation ends at its deadline.
        Err(error) if error.class() == Class::Permanent => {
            tracing::warn!(evaluation.id = %message.evaluation_id, "a question can't be planned anew: {error}");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
