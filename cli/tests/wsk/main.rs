//! Runs the real `wsk` binary against a server that answers from a script: which requests it sends, what it
//! prints, how it exits. What a real server would answer is not the question here.

mod actions;
mod activations;
mod admin;
mod apis;
mod configuration;
mod invocations;
mod packages;
mod projects;
mod rules;
mod support;
mod triggers;
mod usage;
