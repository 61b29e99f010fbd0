//! The service as a whole, in this process: its router over a folder of small files.

mod access;
mod asking;
mod catalog;
mod contract;
mod datasources;
mod planning;
mod reports;
mod requests;
mod runs;
mod scopes;
mod service;
mod world;
