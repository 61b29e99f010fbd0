mod auth;
mod config;
mod id;
mod secrets;
mod store;

fn main() {}
