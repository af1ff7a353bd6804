//! A catalogue, `GET /catalogues/{version}`: the steps that an evaluation was asked by, and why each may fail.

use aws::http::{self, problem::Problem};
use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use evaluation::domain::bounds::cut;
use evaluation::run::ports::Ports;
use evaluation::show::catalogue::view;

use crate::api::{Api, Refusal};

/// Bytes of a version that are shown to who named it.
const SHOWN: usize = 64;

/// Reads the catalogue of a version: one that ships with this release, or that an operator published.
pub(crate) async fn read(api: &Api, version: &str) -> Result<ApiGatewayV2httpResponse, Refusal> {
    match api.ports.catalogue(version).await? {
        Some(catalogue) => Ok(http::json(200, &view(catalogue))),
        None => Err(Problem::not_found(format!(
            "There is no catalogue {:?}. An evaluation says by which one it was asked (catalogue_version).",
            cut(version, SHOWN)
        ))
        .into()),
    }
}
