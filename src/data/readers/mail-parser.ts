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
    limits: { maxDepth: 1000 },
    selectors: [
      { selector: 'a', options: { ignoreHref: true } },
      { selector: 'img', format: 'skip' },
    ],
  });
  return async (mail) => {
    const parsed = await PostalMime.parse(withBodyOnOneLine(withoutMboxLine(mail)));
    const { subject = '', html = '' } = parsed;
    const body = parsed.text?.trim() ? parsed.text : textOfHtml(html);
    const text = `${subject}\n${body}`.replace(/\r\n?/g, '\n').replaceAll('\u00a0', ' ').trim();
    return sameInEveryNode(text);
  };
}

/**
 * Decoders of charsets differ between versions of Node; the texts, and with them splits and fingerprints, must not.
 * Node 20 decodes the bytes 0x80 – 0x9f of Windows-1252, which mails use under many names, to control characters,
 * and some of Big5 to private characters; later versions to what is put here.
 */
function sameInEveryNode(text: string): string {
  return text
    .replace(/[\u0080-\u009f]/g, (control) => windows1252[control.charCodeAt(0) - 0x80] as string)
    .replace(/[\ue000-\uf8ff]/g, '\ufffd');
}

/** The bytes 0x80 – 0x9f. */
const windows1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

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
  const blank = /(^|\r?\n)\r?\n/.exec(text);
  if (!blank) return mail;
  const headers = text.slice(0, blank.index);
  const isEncoded = /^content-transfer-encoding:\s*"?(base64|quoted-printable)/im.test(headers);
  const hasParts = /^content-type:\s*(multipart|message)\//im.test(headers);
  if (isEncoded || hasParts) return mail;
  const others = headers.replace(/^content-transfer-encoding:.*(\n[ \t].*)*(\n|$)/gim, '').trimEnd();
  const body = mail.toString('base64', blank.index + blank[0].length);
  return Buffer.from(`Content-Transfer-Encoding: base64\n${others}\n\n${body}`, 'latin1');
}
