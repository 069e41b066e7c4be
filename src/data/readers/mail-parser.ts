/**
 * The text of a mail is its subject and its body: the plain text if there is any, else what a reader sees of the
 * HTML, without link addresses and images. Other headers and attachments are left out.
 */

/** Turns the bytes of a mail into the text that is classified; lines end in a newline. */
export type MailParser = (mail: Buffer) => Promise<string>;

/** Loads the parsers, which are optional packages; rejects where one is not installed. */
export async function loadMailParser(): Promise<MailParser> {
  const [{ default: PostalMime }, { compile }] = await Promise.all([import('postal-mime'), import('html-to-text')]);
  const textOfHtml = compile({
    wordwrap: false,
    selectors: [
      { selector: 'a', options: { ignoreHref: true } },
      { selector: 'img', format: 'skip' },
    ],
  });
  return async (mail) => {
    const { subject = '', text = '', html = '' } = await PostalMime.parse(withBodyOnOneLine(withoutMboxLine(mail)));
    const body = text.trim() === '' ? textOfHtml(html) : text;
    return `${subject}\n${body}`.replace(/\r\n?/g, '\n').replaceAll('\u00a0', ' ').trim();
  };
}

/** Files cut out of a mailbox begin with a line such as `From jane@example.org  Thu Aug 22 13:17:22 2002`. */
function withoutMboxLine(mail: Buffer): Buffer {
  return mail.toString('latin1', 0, 5) === 'From ' ? mail.subarray(mail.indexOf('\n') + 1) : mail;
}

/**
 * The same mail with an unencoded body in base64. postal-mime keeps each unencoded line as a part of a `Blob`, which
 * Node 20 takes longer to read back than all else: the 6,046 mails take a third of the time in this form.
 */
function withBodyOnOneLine(mail: Buffer): Buffer {
  const text = mail.toString('latin1');
  const blank = /\r?\n\r?\n/.exec(text);
  if (!blank) return mail;
  const headers = text.slice(0, blank.index);
  const isEncoded = /^content-transfer-encoding:\s*(base64|quoted-printable)/im.test(headers);
  const hasParts = /^content-type:\s*(multipart|message)\//im.test(headers);
  if (isEncoded || hasParts) return mail;
  const others = headers.replace(/^content-transfer-encoding:.*(\n|$)/gim, '').trimEnd();
  const body = mail.toString('base64', blank.index + blank[0].length);
  return Buffer.from(`Content-Transfer-Encoding: base64\n${others}\n\n${body}`, 'latin1');
}
