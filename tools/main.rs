//! The command line: parses, calls the libraries, prints. Every model is elsewhere.

mod cli;
mod compare;
mod diagnostics;
mod embedded;
mod fidelity_check;
mod fit;
mod gemm;
mod host;
mod hw;
mod iteration;
mod layers;
mod link;
mod mem;
mod models;
mod output;
mod part;
mod pim;
mod replay;
mod run;
mod validate;
mod verify;
mod workload;

use clap::Parser;
use cli::{Cli, Command};
use diagnostics::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output with code 0, usage errors to standard error
            // with code 2; a closed pipe is no error of ours.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match cli.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Replay(arguments) => replay::replay(&arguments),
        Command::Mem(arguments) => mem::mem(&arguments),
        Command::Gemm(arguments) => gemm::gemm(&arguments),
        Command::Pim(arguments) => pim::pim(&arguments),
        Command::Validate(arguments) => validate::validate(&arguments),
        Command::Verify(arguments) => verify::verify(&arguments),
        Command::Link(arguments) => link::link(&arguments),
        Command::Fit(arguments) => fit::fit(&arguments),
        Command::Hw(arguments) => hw::hw(&arguments),
        Command::Models(arguments) => models::models(&arguments),
    };
    match done {
        Ok(()) | Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Err(failure) => {
            diagnostics::report(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}
