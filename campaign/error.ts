// error: what goes wrong with a campaign by the user's fault. The command turns it into one line. See campaign.ts.

/** The user's fault: an option (exit code 2) or a file (4) of a campaign. One line that says what to do. */
export class CampaignError extends Error {
  override readonly name = 'CampaignError';
  constructor(
    readonly fault: 'usage' | 'file',
    message: string,
  ) {
    super(message);
  }
}
