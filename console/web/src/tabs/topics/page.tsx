/** Topics: what there is, the records of one, and what consumers gave up on. */

import { say, useQuery } from '../../shell/place.tsx'
import { useWords } from '../../shell/preferences.ts'
import { Radios } from '../../shell/radios.tsx'
import { DeadLetters } from './dead-letters.tsx'
import { TopicList } from './list.tsx'
import { OneTopic } from './one-topic.tsx'
import './topics.css'
import { topicWords } from './words.ts'

/** @param rest of the path: the name of the topic that is shown; `?view=dead` shows dead letters */
export default function TopicsPage({ rest }: { rest: string }) {
  const words = useWords(topicWords)
  const view = useQuery().get('view') === 'dead' ? 'dead' : 'topics'
  if (rest !== '') return <OneTopic key={rest} topic={rest} />
  return (
    <div className="page topics-page">
      <Radios
        name="topics-view"
        legend={words.view}
        names={words.views}
        value={view}
        choose={(chosen) => say({ view: chosen === 'dead' ? 'dead' : undefined })}
      />
      {view === 'dead' ? <DeadLetters /> : <TopicList />}
    </div>
  )
}
