const en = {
  skip: 'Skip to the content',
  tabs: 'Sections',
  elsewhere: 'Elsewhere',
  api: 'Swagger UI',
  mails: 'Mails',
  logs: 'Logs',
  language: 'Language',
  theme: 'Theme',
  themes: { system: 'As the system', light: 'Light', dark: 'Dark' },
  ready: (ready: number, all: number) =>
    ready === all ? `All ${all} processes are ready` : `${ready} of ${all} processes are ready`,
  unsupervised: 'No supervisor: processes can’t be shown',
  opening: 'Connecting …',
  lost: 'The console doesn’t answer; trying again …',
  close: 'Close',
}

const ru: typeof en = {
  skip: 'К содержанию',
  tabs: 'Разделы',
  elsewhere: 'Другие страницы',
  api: 'Swagger UI',
  mails: 'Письма',
  logs: 'Журналы',
  language: 'Язык',
  theme: 'Оформление',
  themes: { system: 'Как в системе', light: 'Светлое', dark: 'Тёмное' },
  ready: (ready, all) => (ready === all ? `Все процессы готовы: ${all}` : `Готовы ${ready} из ${all} процессов`),
  unsupervised: 'Нет супервизора: процессы показать нельзя',
  opening: 'Соединение …',
  lost: 'Консоль не отвечает, соединяемся снова …',
  close: 'Закрыть',
}

export const shellWords = { en, ru }
