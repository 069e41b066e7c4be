/** The end of a pool: no process outlives it, none that it ended counts as lost, and it comes while one is being started. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { exportOnnx } from '../../../exporters/export.ts';
import { type Classifier, loadClassifier } from '../../../runtime/index.ts';
import { mailModel, processesOfModels } from '../../support/serving.ts';

const file = exportOnnx(mailModel);
const load = (workers: number) => loadClassifier(file, { isolation: 'process', workers, threads: 1, providers: 'cpu' });

const lostOne = (classifier: Classifier) => expect.poll(() => classifier.load().lost).toBe(1);

test('ends all processes, and counts none of them as lost', async () => {
  const classifier = await load(2);
  expect(processesOfModels().toSorted()).toEqual([...classifier.load().processes].toSorted());
  await classifier.dispose();
  expect(processesOfModels()).toEqual([]);
  await sleep(50); // what would replace them had its turn
  expect(classifier.load()).toMatchObject({ lost: 0, processes: [] });
});

test('a process that dies while it is busy is lost once, not once for its batch and once for itself', async () => {
  const classifier = await load(1);
  const [pid = 0] = classifier.load().processes;
  process.kill(pid, 'SIGSTOP');
  const lost = classifier.predict('w1 w2').catch(({ code }) => code);
  await expect.poll(() => classifier.load().running).toBe(1);
  process.kill(pid, 'SIGKILL');
  expect(await lost).toBe('RUNTIME_LOST');
  await expect.poll(() => classifier.load().processes.length).toBe(1);
  expect(classifier.load().lost).toBe(1);
  expect(processesOfModels()).toEqual(classifier.load().processes); // and is replaced by one
  await classifier.dispose();
});

test('that comes while a process is being started ends that one, too, and does not wait for work', async () => {
  const classifier = await load(1);
  process.kill(classifier.load().processes[0] as number, 'SIGKILL');
  await lostOne(classifier); // its replacement is on its way
  await classifier.dispose();
  await expect.poll(processesOfModels).toEqual([]);
  await sleep(300);
  expect(processesOfModels()).toEqual([]);
});

test('options that are refused leave no process behind', async () => {
  const options = { isolation: 'process', providers: 'cpu', batching: { maxBatch: 0 } } as const;
  await expect(loadClassifier(file, options)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  expect(processesOfModels()).toEqual([]);
});
