//! `baton webhook`: events that are posted to a URL.

use baton_client::proto::Webhook;
use clap::{Args, Subcommand};

use super::exit::{EXIT_CODES, Exit, Failure};
use super::names::{EventType, Format};
use super::options::{Options, Session};
use super::pages;

const EXAMPLES: &str = "\
Examples:
  baton webhook create dead https://hooks.example.com/baton --event-type DEAD
  baton webhook create chat https://hooks.slack.com/services/... --format SLACK --filter 'queue = \"reports\"'
  baton webhook test dead
  baton webhook update dead --secret \"$NEW\" --secret \"$OLD\"
  baton webhook get dead";

/// `baton webhook ...`
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct WebhookArgs {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    pub(super) command: WebhookCommand,
}

/// In the order of a webhook's life.
#[derive(Subcommand)]
pub(super) enum WebhookCommand {
    /// Create a webhook, and show its secret, this once
    Create(Box<CreateArgs>),
    /// Show a webhook and how far it is
    Get(NameArgs),
    /// List webhooks by their names
    List(ListArgs),
    /// Edit a webhook
    Update(Box<UpdateArgs>),
    /// Delete a webhook; what it did not deliver is not sent any more
    Delete(NameArgs),
    /// Stop a webhook for now
    Pause(NoteArgs),
    /// Let a paused webhook go on where it was
    Resume(NoteArgs),
    /// Send one message now, and show what came of it
    Test(NameArgs),
}

/// What a webhook says.
#[derive(Args)]
struct ContentArgs {
    /// Only events of tasks that fit, such as 'queue = "reports"'
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// Only events of this type; may be repeated
    #[arg(long = "event-type", value_name = "TYPE")]
    event_types: Vec<EventType>,
    /// What a message looks like [default: standard]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// What signs messages: whsec_ and base64; twice while one takes the place of the other
    #[arg(long = "secret", value_name = "SECRET")]
    secrets: Vec<String>,
    /// What it is for, as text for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// What to create.
#[derive(Args)]
pub(super) struct CreateArgs {
    /// Name of the webhook
    #[arg(value_name = "NAME")]
    name: String,
    /// Where messages go
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    content: ContentArgs,
    /// Send nothing until it is resumed
    #[arg(long)]
    paused: bool,
}

/// What to change.
#[derive(Args)]
pub(super) struct UpdateArgs {
    /// Name of the webhook
    #[arg(value_name = "NAME")]
    name: String,
    /// Where messages go
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    content: ContentArgs,
    /// Only where it was not edited since: its etag
    #[arg(long, value_name = "ETAG")]
    etag: Option<String>,
}

/// Which webhook.
#[derive(Args)]
pub(super) struct NameArgs {
    /// Name of the webhook
    #[arg(value_name = "NAME")]
    name: String,
}

/// Which webhook, and why.
#[derive(Args)]
pub(super) struct NoteArgs {
    /// Name of the webhook
    #[arg(value_name = "NAME")]
    name: String,
    /// Why, for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

/// How many.
#[derive(Args)]
pub(super) struct ListArgs {
    /// How many webhooks to show; 0 shows all
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
}

impl ContentArgs {
    fn webhook(self, name: String, url: String) -> Webhook {
        let mut webhook = Webhook {
            name,
            url,
            filter: self.filter.unwrap_or_default(),
            event_types: self.event_types.iter().map(|kind| i32::from(kind.0)).collect(),
            secrets: self.secrets,
            description: self.description.unwrap_or_default(),
            ..Webhook::default()
        };
        if let Some(Format(format)) = self.format {
            webhook.set_format(format);
        }
        webhook
    }
}

pub(super) async fn carry_out(session: &Session, command: WebhookCommand) -> Result<Exit, Failure> {
    let (client, screen) = (&session.client, &session.screen);
    match command {
        WebhookCommand::Create(args) => {
            let CreateArgs {
                name,
                url,
                content,
                paused,
            } = *args;
            let webhook = Webhook {
                paused,
                ..content.webhook(name, url)
            };
            screen.webhook(&*client.create_webhook(webhook).await?)?;
        }
        WebhookCommand::Get(NameArgs { name }) => screen.webhook(&client.get_webhook(name).await?)?,
        WebhookCommand::List(ListArgs { limit }) => {
            let all = client.list_webhooks().page_size(pages::page_size(limit)).all();
            return pages::show(session, limit, all, |screen, rows| screen.webhook_rows(rows)).await;
        }
        WebhookCommand::Update(args) => {
            let UpdateArgs {
                name,
                url,
                content,
                etag,
            } = *args;
            let edit = Webhook {
                etag: etag.unwrap_or_default(),
                ..content.webhook(name, url.unwrap_or_default())
            };
            one(session, &*client.update_webhook(edit, []).await?)?;
        }
        WebhookCommand::Delete(NameArgs { name }) => {
            client.delete_webhook(&name).await?;
            screen.gone(&name)?;
        }
        WebhookCommand::Pause(NoteArgs { name, note }) => {
            one(session, &*client.pause_webhook(name).note(note).await?)?;
        }
        WebhookCommand::Resume(NoteArgs { name, note }) => {
            one(session, &*client.resume_webhook(name).note(note).await?)?;
        }
        WebhookCommand::Test(NameArgs { name }) => {
            let tested = client.test_webhook(name).await?;
            screen.webhook_test(&tested)?;
            // For scripts: nobody took it.
            return Ok(if tested.delivered {
                Exit::Done
            } else {
                Exit::Refused
            });
        }
    }
    Ok(Exit::Done)
}

fn one(session: &Session, webhook: &Webhook) -> Result<(), Failure> {
    session.screen.webhook_rows(std::slice::from_ref(webhook))?;
    Ok(())
}
