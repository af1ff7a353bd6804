//! What a photo's preparation means for its evaluation: reasons for users, sizes by step, when to look closer.

use std::collections::BTreeMap;

use photos::codes::Code;
use photos::quality::Quality;
use photos::size_policy::{SizePolicy, UnfitPhotos};
use photos::{FORMATS, PhotoError};

use super::catalogue::{Catalogue, Step};
use super::ids::StepKey;
use super::no_photo;
use super::outcome::{Finding, ImageFigures, Reason, ReasonCode};
use super::reading::Reads;
use super::unread::said;

/// The long edge for a photo whose name hints at this step: larger where small print is to be read, or where nothing
/// is known.
pub fn long_edge_for(policy: &SizePolicy, hint: Option<&Step>) -> u32 {
    policy.long_edge_for(hint.is_none_or(|step| step.small_print.is_some()))
}

/// The steps that a photo is looked at again for, at the larger size: it shows them, and their small print was not read
/// in what was sent, or the model was not sure of them. None where nothing larger can be sent.
pub fn closer_look(
    policy: &SizePolicy,
    catalogue: &Catalogue,
    sent: &ImageFigures,
    seen: &[Finding],
) -> Vec<StepKey> {
    let long_edge = sent.width.max(sent.height);
    // A photo below the usual size was not scaled down: there is no more in it.
    if !policy.closer_look || !(policy.long_edge..policy.small_print_long_edge).contains(&long_edge)
    {
        return Vec::new();
    }
    let unread = |step: &Step, finding: &Finding| {
        step.small_print.is_some() && finding.reading.as_deref().and_then(said).is_none()
    };
    let unclear = |finding: &&Finding| {
        let step = catalogue.step(&finding.step);
        step.is_some_and(|step| unread(step, finding) || is_unsure(policy, step, finding))
    };
    seen.iter()
        .filter(unclear)
        .map(|finding| finding.step.clone())
        .collect()
}

/// Whether the model was not sure of a critical step, where the policy asks once more about such.
fn is_unsure(policy: &SizePolicy, step: &Step, finding: &Finding) -> bool {
    let least = policy.closer_look_below_percent.map(f64::from);
    let sure = finding.certainty.map(|certainty| 100.0 * certainty.share());
    step.critical && least.zip(sure).is_some_and(|(least, sure)| sure < least)
}

/// Whether bar codes are looked for on a photo whose name hints at this step and that is asked about these: where its
/// name promises a serial or nothing, or where a serial is looked at from closer.
pub fn wants_codes(
    catalogue: &Catalogue,
    hint: Option<&Step>,
    asked: &[StepKey],
    closer: bool,
) -> bool {
    let has_codes =
        |step: &Step| matches!(&step.reads, Some(Reads::Serial(format)) if format.codes);
    let mut steps = asked.iter().filter_map(|key| catalogue.step(key));
    steps.any(|step| has_codes(step) && (closer || hint.is_none_or(|hint| hint.key == step.key)))
}

/// The findings with the serials that the photo's bar codes say.
pub fn coded(catalogue: &Catalogue, codes: &[Code], findings: Vec<Finding>) -> Vec<Finding> {
    let with_code = |finding: Finding| {
        let reads = catalogue
            .step(&finding.step)
            .and_then(|step| step.reads.as_ref());
        let code = match reads {
            Some(Reads::Serial(format)) if format.codes => {
                let texts = codes.iter().map(|code| code.text.as_str());
                format.in_codes(texts, finding.reading.as_deref())
            }
            _ => None,
        };
        Finding { code, ..finding }
    };
    findings.into_iter().map(with_code).collect()
}

/// The findings of a photo after a closer look: of a step that both found, what was seen from closer.
pub fn seen_closer(first: Vec<Finding>, closer: Vec<Finding>) -> Vec<Finding> {
    let by_step = first
        .into_iter()
        .chain(closer)
        .map(|finding| (finding.step.clone(), finding));
    by_step.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// The reason to show to a user of a photo of this name. What is no photo is that by its content; its name says so
/// where the content says nothing.
pub fn reason(error: &PhotoError, name: &str) -> Reason {
    match error {
        PhotoError::NoPhoto(what) => no_photo::reason(what),
        PhotoError::Empty | PhotoError::Unknown(_) => {
            no_photo::unless_by_name(name, refusal(error))
        }
        _ => refusal(error),
    }
}

fn refusal(error: &PhotoError) -> Reason {
    let (code, message) = match error {
        PhotoError::Empty => (
            ReasonCode::NotAnImage,
            "The file is empty. Upload the photo again.".into(),
        ),
        PhotoError::Unknown(_) => (
            ReasonCode::NotAnImage,
            format!(
                "The file is not a photo. Upload one of {}.",
                FORMATS.join(", ")
            ),
        ),
        PhotoError::Unsupported(format) => (
            ReasonCode::NotAnImage,
            format!("The format {format} is not supported. Upload the photo as JPEG."),
        ),
        PhotoError::UnsupportedJpeg(coding) => (
            ReasonCode::NotAnImage,
            format!(
                "A JPEG with {coding} is not supported. Save the photo as a usual JPEG and upload that."
            ),
        ),
        PhotoError::NoPhoto(what) => return no_photo::reason(what),
        PhotoError::Wrapped(what) => (
            ReasonCode::NotAnImage,
            format!(
                "The file begins with {what}: the app that uploaded it must send the photo's bytes as they are."
            ),
        ),
        PhotoError::Damaged(_) | PhotoError::Processing(_) => (
            ReasonCode::NotAnImage,
            "The photo's file is damaged or incomplete. Upload the photo again.".into(),
        ),
        PhotoError::TooMuchMemory { .. } => (
            ReasonCode::TooLarge,
            "The photo is too large in this format. Upload it as JPEG.".into(),
        ),
        PhotoError::TooLarge { width, height, .. } => (
            ReasonCode::TooLarge,
            format!(
                "The photo claims {width} x {height} pixels, more than is allowed. Take it at the phone's usual size."
            ),
        ),
    };
    Reason::new(code, message)
}

/// What a user is told of a photo that is hard to judge; nothing for a good one.
pub fn warning(quality: &Quality) -> Option<&'static str> {
    if quality.is_dark() {
        Some("The photo is too dark to judge. Take it again with more light.")
    } else if quality.is_blurred() {
        Some("The photo is too blurred to judge. Take it again, and hold still.")
    } else {
        None
    }
}

/// Why a photo is not asked about, if the configuration says not to ask about such photos.
pub fn unfit(policy: &SizePolicy, quality: &Quality) -> Option<Reason> {
    let refuses = policy.unfit_photos == UnfitPhotos::Refuse;
    let message = warning(quality).filter(|_| refuses)?;
    Some(Reason::new(ReasonCode::Unfit, message))
}

#[cfg(test)]
mod tests {
    use photos::codes::CodeKind;
    use photos::size_policy::CURRENT_VERSION;

    use super::*;
    use crate::domain::certainty::Certainty;
    use crate::domain::ids::Score;

    #[test]
    fn small_print_and_unknown_content_get_the_larger_size() {
        let (policy, catalogue) = (
            SizePolicy::shipped(CURRENT_VERSION).unwrap(),
            Catalogue::shipped("v1").unwrap(),
        );
        for step in &catalogue.steps {
            let expected = if step.small_print.is_some() {
                1280
            } else {
                800
            };
            assert_eq!(long_edge_for(policy, Some(step)), expected, "{}", step.key);
        }
        assert_eq!(long_edge_for(policy, None), 1280);
    }

    #[test]
    fn what_a_user_is_told_says_what_is_wrong_and_what_helps() {
        for (error, message) in [
            (
                PhotoError::Unsupported("AVIF"),
                "The format AVIF is not supported. Upload the photo as JPEG.",
            ),
            (
                PhotoError::Unsupported("of this HEIC file"),
                "The format of this HEIC file is not supported. Upload the photo as JPEG.",
            ),
            (
                PhotoError::UnsupportedJpeg("arithmetic coding"),
                "A JPEG with arithmetic coding is not supported. Save the photo as a usual JPEG and upload that.",
            ),
            (
                PhotoError::NoPhoto("a video"),
                "The file is a video, not a photo. Upload one of JPEG, HEIC, PNG, WebP.",
            ),
            (
                PhotoError::Wrapped("the boundary of a form"),
                "The file begins with the boundary of a form: the app that uploaded it must send the photo's bytes as they are.",
            ),
            (
                PhotoError::Damaged("not every block is there".into()),
                "The photo's file is damaged or incomplete. Upload the photo again.",
            ),
        ] {
            assert_eq!(reason(&error, "a.jpg").message, message);
        }
    }

    fn found(step: &str, score: u8, reading: Option<&str>) -> Finding {
        Finding {
            step: StepKey::parse(step).unwrap(),
            score: Score::try_from(score).unwrap(),
            comment: String::new(),
            reading: reading.map(String::from),
            fail_code: None,
            certainty: None,
            code: None,
        }
    }

    fn sent(width: u32, height: u32) -> ImageFigures {
        ImageFigures {
            original_bytes: 3_000_000,
            sent_bytes: 80_000,
            width,
            height,
            image_tokens: 475,
        }
    }

    #[test]
    fn never_again_small_print_is_lost_because_a_photo_was_filed_wrongly() {
        let (policy, catalogue) = (
            SizePolicy::shipped(CURRENT_VERSION).unwrap(),
            Catalogue::shipped("v3").unwrap(),
        );
        let unread = [
            found("house_photo", 3, None),
            found("power_meter", 4, None),
            found("ups_serial", 8, Some("U1")),
            found("ont_back_and_barcode", 8, Some("UNREADABLE")),
        ];
        let closer = |sent: ImageFigures| closer_look(policy, catalogue, &sent, &unread);
        assert_eq!(
            closer(sent(600, 800)),
            ["power_meter", "ont_back_and_barcode"].map(|step| StepKey::parse(step).unwrap())
        );
        assert!(
            closer(sent(960, 1280)).is_empty(),
            "it was sent at the larger size"
        );
        assert!(
            closer(sent(640, 480)).is_empty(),
            "the photo has no more pixels"
        );
        let before = SizePolicy::shipped("s2").unwrap();
        assert!(
            closer_look(before, catalogue, &sent(600, 800), &unread).is_empty(),
            "a released policy stays as it is"
        );
    }

    #[test]
    fn codes_are_looked_for_where_a_serial_may_be_and_by_no_earlier_catalogue() {
        let wants = |version: &str, hint: Option<&str>, closer| {
            let catalogue = Catalogue::shipped(version).unwrap();
            let step = |key: &str| StepKey::parse(key).unwrap();
            let hint = hint.and_then(|key| catalogue.step(&step(key)));
            let asked = [step("ont_back_and_barcode"), step("house_photo")];
            wants_codes(catalogue, hint, &asked, closer)
        };
        assert!(wants("v4", Some("ont_back_and_barcode"), false));
        assert!(wants("v4", None, false), "its name promises nothing");
        assert!(!wants("v4", Some("house_photo"), false));
        assert!(wants("v4", Some("house_photo"), true), "a serial was seen");
        assert!(
            !wants("v4", Some("ups_serial"), false),
            "nobody asks about that"
        );
        assert!(!wants("v3", None, true));
    }

    #[test]
    fn a_code_stands_beside_what_was_read_of_a_serial_and_of_nothing_else() {
        let codes = [Code {
            kind: CodeKind::Code128,
            text: "ALCLF4A1B2C3".into(),
        }];
        let findings = vec![
            found("power_meter", 8, Some("ALCLF4A1B2C3")),
            found("ont_back_and_barcode", 8, Some("ALCLF4A1B2C8")),
        ];
        let of = |version: &str| {
            let catalogue = Catalogue::shipped(version).unwrap();
            coded(catalogue, &codes, findings.clone())
        };
        assert_eq!(of("v3"), findings);
        let [power, ont] = <[Finding; 2]>::try_from(of("v4")).unwrap();
        assert_eq!(power, findings[0]);
        assert_eq!(ont.code.as_deref(), Some("ALCLF4A1B2C3"));
        assert_eq!(Finding { code: None, ..ont }, findings[1]);
    }

    #[test]
    fn what_is_seen_from_closer_stands_and_what_it_leaves_out_stays() {
        let first = vec![
            found("final_installation", 8, None),
            found("power_meter", 4, None),
            found("ups_serial", 4, None),
        ];
        let closer = vec![found("power_meter", 9, Some("-18.4 dBm"))];
        let both = seen_closer(first.clone(), closer.clone());
        assert_eq!(
            both,
            [first[0].clone(), closer[0].clone(), first[2].clone()]
        );
    }

    #[test]
    fn only_a_critical_step_is_looked_at_again_because_the_model_is_not_sure_and_only_where_that_is_asked_for()
     {
        let catalogue = Catalogue::shipped("v3").unwrap();
        let looks = |version: &str, step: &str, share: Option<f64>| {
            let finding = Finding {
                step: StepKey::parse(step).unwrap(),
                score: Score::try_from(7).unwrap(),
                comment: String::new(),
                reading: None,
                fail_code: None,
                certainty: share.and_then(Certainty::of),
                code: None,
            };
            let policy = SizePolicy::shipped(version).unwrap();
            let sent = ImageFigures {
                original_bytes: 1,
                sent_bytes: 1,
                width: 800,
                height: 600,
                image_tokens: 1,
            };
            !closer_look(policy, catalogue, &sent, &[finding]).is_empty()
        };
        assert!(looks("s5", "house_photo", Some(0.79)));
        assert!(!looks("s5", "house_photo", Some(0.8)), "sure enough");
        assert!(!looks("s5", "house_photo", None), "nothing is known");
        assert!(!looks("s5", "cable_span", Some(0.5)), "not critical");
        assert!(!looks("s4", "house_photo", Some(0.5)), "not asked for");
    }
}
