import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, cliRefusal, tickets, useCli } from './run-cli.ts';

const place = useCli();

/** Arguments, the code they are refused with, and what message and hint must say. */
const mistakes: readonly (readonly [args: readonly string[], code: string, says: RegExp])[] = [
  [['trian'], 'OPTION_UNKNOWN', /Did you mean train\?/],
  [['train', 'lstm', '--epoch', '3'], 'OPTION_UNKNOWN', /--epoch.*Did you mean --epochs/],
  [['train', 'lstm', '--learning-rat=0.1'], 'OPTION_UNKNOWN', /Did you mean --learning-rate/],
  [['train', 'lstm', '--lr', '0.1'], 'OPTION_UNKNOWN', /Did you mean --learning-rate/],
  [['train', 'lstm', '--learning-rate', '0'], 'OPTION_INVALID', /above 0 and at most 1000000/],
  [['predict', 'best.safetensors', 'a text'], 'OPTION_INVALID', /export best.safetensors --out best.onnx/],
  [['train', 'lstm', '--dta', tickets], 'OPTION_UNKNOWN', /Did you mean --data/],
  [['train', 'lstm', '--colour', 'red'], 'OPTION_UNKNOWN', /--colour.*train --help/],
  [['models', '--epochs', '3'], 'OPTION_UNSUPPORTED', /models does not take --epochs.*recurrent train/],
  [['evaluate', 'x', '--max-length', '3'], 'OPTION_UNSUPPORTED', /evaluate does not take --max-length/],
  [['bench', '--epochs', '3'], 'OPTION_UNSUPPORTED', /Put options last, as in recurrent bench/],
  [['models', '--json=yes'], 'OPTION_INVALID', /--json takes no value/],
  [['train'], 'OPTION_INVALID', /missing required argument 'model'/],
  [['train', 'lstm', 'gru'], 'OPTION_INVALID', /too many arguments/],
  [['train', 'lstm', '--out', 'x', '--epochs'], 'OPTION_INVALID', /--epochs <n>' argument missing/],
  [['train', 'lstm', '--out', 'x'], 'OPTION_INVALID', /--data <source> is missing/],
  [['train', 'lstm', '--data', tickets], 'OPTION_INVALID', /--out <folder> is missing/],
  [['train', 'lstm', '--padding', 'left'], 'OPTION_INVALID', /pre, post/],
  [['train', 'lstm', '--engine', 'quantum'], 'OPTION_INVALID', /auto, fastest, js/],
  [['train', 'lstm', '--resume', '--overwrite'], 'OPTION_INVALID', /cannot be used with/],
  [['train', 'lstmm', '--data', tickets, '--out', 'x'], 'MODEL_UNKNOWN', /Did you mean lstm/],
  [['train', 'none.json', '--data', tickets, '--out', 'x'], 'FILE_NOT_FOUND', /none\.json/],
  [['train', 'lstm', '--data', 'none.csv', '--out', 'x'], 'DATA_NOT_FOUND', /none\.csv/],
  [['train', 'lstm', '--data', tickets, '--out', 'x', '--resume'], 'FILE_NOT_FOUND', /no run to resume/],
  [['train', 'lstm', '--data', tickets, '--out', 'x', '--text-column', 'txt'], 'DATA_NOT_FOUND', /txt/],
  [
    ['train', 'lstm', '--data', tickets, '--out', 'x', '--engine', 'js', '--threads', '4'],
    'OPTION_UNSUPPORTED',
    /at most 1 thread/,
  ],
  [['train', 'lstm', '--data', tickets, '--out', 'x', '--bucket'], 'OPTION_UNSUPPORTED', /does not mask/],
  [['evaluate', 'none', '--data', tickets], 'FILE_NOT_FOUND', /none/],
  [['evaluate', 'none.onnx', '--data', tickets], 'FILE_NOT_FOUND', /none\.onnx/],
  [['evaluate', tickets, '--data', tickets], 'OPTION_INVALID', /neither a run nor a checkpoint/],
  [['export', 'none', '--out', 'x.onnx'], 'FILE_NOT_FOUND', /none/],
  [['export', 'none'], 'OPTION_INVALID', /--out <file> is missing/],
  [['export', 'none', '--out', 'x.txt'], 'OPTION_INVALID', /does not end in \.onnx/],
  [['predict', 'none.onnx', 'a text'], 'FILE_NOT_FOUND', /none\.onnx/],
  [
    ['predict', 'none.onnx', 'a text', '--text-column', 'body'],
    'OPTION_UNSUPPORTED',
    /--text-column is for texts from a file/,
  ],
  [
    ['predict', 'none.onnx', '--file', tickets, '--format', 'txt', '--text-column', 'a'],
    'OPTION_UNSUPPORTED',
    /no columns/,
  ],
  [['predict', 'none.onnx', '--file', 'texts.json'], 'OPTION_INVALID', /--format jsonl/],
  [['predict', 'none.onnx', 'a text', '--out', 'labels.json'], 'OPTION_INVALID', /\*\.jsonl/],
  [['predict', 'none.onnx', '--file', 'none.txt'], 'FILE_NOT_FOUND', /none\.txt/],
  [['parity', 'none', '--data', tickets, '--runners', 'js,onnxruntim'], 'OPTION_INVALID', /mean onnxruntime/],
  [['parity', 'none', '--data', tickets, '--sample', '0'], 'OPTION_INVALID', /from 1/],
  [['inspect', 'none.onnx'], 'FILE_NOT_FOUND', /none\.onnx/],
  [['inspect', 'photo.png'], 'OPTION_INVALID', /\.onnx, \.safetensors or \.json/],
  [['demo', '--test-split', '0'], 'OPTION_UNSUPPORTED', /held-out/],
];

describe("a user's mistake", () => {
  it.each(mistakes)('%j is %s', async (args, code, says) => {
    const error = await cliRefusal(args, 2, { cwd: place.folder });
    expect(`${error.message} ${error.hint}`).toMatch(says);
    expect(error.code).toBe(code);
    expect(existsSync(join(place.folder, 'x'))).toBe(false);
  });

  it('is a command line without a command, too', async () => {
    const { status, stdout, stderr } = await cli([]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('Usage: recurrent');
    expect(stderr).toContain('no command was given');
  });

  it('is a group of commands without one of them', async () => {
    const { status, stdout, stderr } = await cli(['bench']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('recurrent bench needs one of its commands: training, curves, epoch');
  });

  it('is told to people in two lines on standard error', async () => {
    const { status, stdout, stderr } = await cli(['trian']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe("error OPTION_UNKNOWN recurrent has no command 'trian'\nhint  Did you mean train?\n");
  });

  it('shows where it comes from with DEBUG=recurrent only', async () => {
    const { stderr } = await cli(['inspect', 'none.onnx'], { env: { DEBUG: 'recurrent' } });
    expect(stderr).toMatch(/^\s+at /m);
    expect(stderr).toMatch(/caused by Error: ENOENT/);
  });
});

describe('numbers', () => {
  it.each(['--epochs=-1', '--epochs=1e3', '--learning-rate=0', '--seed=NaN', '--test-split=1'])(
    '%s is refused with the range',
    async (option) => {
      const { code, message } = await cliRefusal(['train', 'lstm', '--data', tickets, '--out', 'x', option], 2);
      const [flag, text] = option.split('=');
      expect(code).toBe('OPTION_INVALID');
      expect(message).toMatch(new RegExp(`^${flag} takes a (whole )?number (from|above) \\d.*, not "${text}"$`));
    },
  );
});
