//! What the `photos` crate's words mean in the domain: reasons for users, sizes by step.

use ::photos::PhotoError;
use ::photos::quality::Quality;
use ::photos::size_policy::{SizePolicy, UnfitPhotos};

use crate::domain::catalogue::Step;
use crate::domain::outcome::{Reason, ReasonCode};

/// The long edge for a photo whose name hints at this step: larger where small print is to be read, or where nothing is known.
pub fn long_edge_for(policy: &SizePolicy, hint: Option<&Step>) -> u32 {
    policy.long_edge_for(hint.is_none_or(|step| step.small_print.is_some()))
}

/// The reason to show to a user.
pub fn reason(error: &PhotoError) -> Reason {
    let (code, message) = match error {
        PhotoError::Empty => (ReasonCode::NotAnImage, "The file is empty. Upload the photo again.".into()),
        PhotoError::Unknown(_) => {
            (ReasonCode::NotAnImage, "The file is not a photo. Upload a JPEG, HEIC, PNG or WebP.".into())
        }
        PhotoError::Unsupported(format) => {
            (ReasonCode::NotAnImage, format!("Photos in the format {format} can't be read yet. Upload it as JPEG."))
        }
        PhotoError::Damaged(_) | PhotoError::Processing(_) => {
            (ReasonCode::NotAnImage, "The photo's file is damaged or incomplete. Upload the photo again.".into())
        }
        PhotoError::TooMuchMemory { .. } => {
            (ReasonCode::TooLarge, "The photo is too large in this format. Upload it as JPEG.".into())
        }
        PhotoError::TooLarge { width, height, .. } => (
            ReasonCode::TooLarge,
            format!(
                "The photo claims {width} x {height} pixels, more than is allowed. Take it at the phone's usual size."
            ),
        ),
    };
    Reason { code, message }
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
    Some(Reason { code: ReasonCode::Unfit, message: message.into() })
}

#[cfg(test)]
mod tests {
    use ::photos::size_policy::CURRENT_VERSION;

    use super::*;
    use crate::domain::catalogue::Catalogue;

    #[test]
    fn small_print_and_unknown_content_get_the_larger_size() {
        let (policy, catalogue) = (SizePolicy::shipped(CURRENT_VERSION).unwrap(), Catalogue::shipped("v1").unwrap());
        for step in &catalogue.steps {
            let expected = if step.small_print.is_some() { 1280 } else { 800 };
            assert_eq!(long_edge_for(&policy, Some(step)), expected, "{}", step.key);
        }
        assert_eq!(long_edge_for(&policy, None), 1280);
    }
}
