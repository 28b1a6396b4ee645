//! What answers a connection's requests. Delivery's go straight to it: matching a path, and taking it apart, costs more
//! than the rest of what happens between a small signed file and the network, and its one path is believed by its
//! signature or not at all. All others go through the router.

use super::Api;
use crate::delivery::serve::{self, serve};
use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::future::RouteFuture,
};
use futures_util::future::Either;
use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tower::Service;

/// Copies share everything.
#[derive(Clone)]
pub struct Front {
    router: Router,
    delivery: Option<Arc<Api>>,
}

impl Front {
    /// `delivery`: what signed URLs are served from, where they are.
    pub fn new(router: Router, delivery: Option<Api>) -> Self {
        Self { router, delivery: delivery.map(Arc::new) }
    }
}

type Delivered = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl Service<Request> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Delivered, RouteFuture<Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Neither of the two ever keeps anybody waiting.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match &self.delivery {
            Some(api) if serve::is_for(request.uri().path()) => {
                let api = State(Arc::clone(api));
                Either::Left(Box::pin(async move { Ok(serve(api, request).await) }))
            }
            _ => Either::Right(self.router.call(request)),
        }
    }
}
